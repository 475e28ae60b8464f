import { Fault } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Database, Tx } from '@curfew/persistence'
import { quarantineEvent } from '../feed-key/feed-events.adapter.js'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { fingerprintOf } from '../revoke/fingerprint.js'
import type { QuarantinesStore } from '../store/quarantines.store.js'
import { quarantine, type QuarantineCommand } from './quarantine.js'

/** Holds and releases agents: the change and its outbox row in one commit. A repeat changes nothing. */
export class QuarantineHandler {
  constructor(private readonly database: Database, private readonly quarantines: QuarantinesStore, private readonly signer: FeedSigner) {}

  async handle(tenant: TenantId, command: QuarantineCommand): Promise<void> {
    await this.database.transact(tenant, (tx) => this.change(tx, tenant, command))
  }

  private async change(tx: Tx, tenant: TenantId, command: QuarantineCommand): Promise<void> {
    const { id, ...request } = command
    const fingerprint = fingerprintOf(request)
    await this.quarantines.lockAgent(tx, tenant, command.agentId)
    const first = await this.quarantines.find(tx, tenant, id)
    if (first !== undefined && first.fingerprint !== fingerprint) throw new Fault('revocation.mismatch', { detail: `command ${id} was given before, with other content` })
    if (first !== undefined) return
    const record = quarantine(tenant, command, await this.quarantines.lastVersion(tx, tenant, command.agentId), tx.now)
    await this.quarantines.insert(tx, { id, fingerprint, record }, quarantineEvent(id, record, this.signer))
  }
}
