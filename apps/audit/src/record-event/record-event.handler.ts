import type { ReceivedEvent } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import { Database, type Tx } from '@curfew/persistence'
import { DerivedSecrets, ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { AuditEventStore } from '../store/audit-events.store.js'
import { isKept, recordEvent } from './record-event.js'

export type Outcome = 'recorded' | 'duplicate' | 'not_kept'

/** Writes one event into its tenant's trail, once. An event that borrows the source and id of another is refused, so that none can hide behind one. */
@Injectable()
export class RecordEventHandler {
  constructor(
    private readonly database: Database, private readonly trail: AuditEventStore, private readonly secrets: DerivedSecrets, private readonly settings: ServiceSettings,
  ) {}

  async handle(event: ReceivedEvent): Promise<Outcome> {
    if (!isKept(event)) return 'not_kept'
    if (!this.settings.tenants.includes(event.tenant)) throw new Fault('tenant.unknown', { detail: `tenant ${event.tenant} is not configured here` })
    return this.database.transact(event.tenant, (tx) => this.write(tx, event))
  }

  private async write(tx: Tx, event: ReceivedEvent): Promise<Outcome> {
    const row = recordEvent(event, {
      recordedAt: tx.now, defaultIssuer: this.settings.issuer, hashOf: (tenant, sessionId) => this.secrets.sessionHash(tenant, sessionId),
    })
    if (await this.trail.record(tx, row)) return 'recorded'
    if ((await this.trail.contentHashOf(tx, row.tenant, row.id)) === row.contentHash) return 'duplicate'
    throw new Fault('event.mismatch', { detail: `${event.source} sent event ${row.source.eventId} before with another content; that one stands` })
  }
}
