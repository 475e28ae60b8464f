import type { Database } from '@curfew/persistence'
import type { SharedMemory } from '@curfew/service-kit'
import type { KeptRevocation, RevocationsStore } from '../store/revocations.store.js'
import { fingerprintOf } from './fingerprint.js'
import type { RevokeCommand } from './revoke.js'
import type { Accepted, IdempotencyKey, RevokeHandler } from './revoke.handler.js'

/** A client repeats within seconds; the key itself stands for a day, in the database. */
const hintMs = 600_000

/**
 * Repeats by idempotency key without a transaction that writes: the shared memory hints at what the first request became, and the database is
 * asked whether that is so. A hint that is lost, late or wrong costs the ordinary path and decides nothing.
 */
export class KeyedRevoke {
  constructor(
    private readonly revoke: RevokeHandler, private readonly database: Database, private readonly revocations: RevocationsStore, private readonly memory: SharedMemory,
  ) {}

  async handle(command: RevokeCommand, traceparent: string | undefined, idempotency: IdempotencyKey | undefined): Promise<Accepted> {
    if (idempotency === undefined) return this.revoke.handle(command, traceparent)
    // A hash, so that no key of a caller is readable there.
    const name = `revoked:${fingerprintOf([command.tenant, idempotency.client, idempotency.key])}`
    const known = await this.hinted(name, command)
    if (known !== undefined) return { revocation: known }
    const accepted = await this.revoke.handle(command, traceparent, idempotency)
    void this.memory.put(name, accepted.revocation.record.id, hintMs).catch(() => undefined)
    return accepted
  }

  /** The same content by the same initiator under the same key is the same revocation; anything else is for the reservation to judge. */
  private async hinted(name: string, { tenant, request, initiator, cause }: RevokeCommand): Promise<KeptRevocation | undefined> {
    const id = await this.memory.get(name).catch(() => undefined)
    if (id === undefined || !uuidPattern.test(id)) return undefined
    const found = await this.database.transact(tenant, (tx) => tx.lastly(() => this.revocations.find(tx, tenant, id)))
    return found?.fingerprint === fingerprintOf([request, initiator, cause ?? null]) ? found : undefined
  }
}

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
