import type { ReceivedEvent } from '@curfew/bus'
import { readInstant, type RevocationRecord } from '@curfew/contracts'
import { selectorOf } from '@curfew/denylist'
import { instant } from '@curfew/kernel'
import { Database } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import type { SessionEnd } from '../inventory/inventoried-session.js'
import { SessionEvents } from '../session-events/session-events.adapter.js'
import { CutoffStore } from '../store/cutoff.store.js'
import { EndingStore, type Sweep } from '../store/ending.store.js'
import { endsSessions, entryOfRecord, isEndedBy, mergedEntry } from './end-sessions.js'

/** Rows looked at in one transaction: some tens of milliseconds, so that nobody who issues or lists waits behind a tenant's last day. */
const chunk = 1_000
/** Sorts before every session id. */
const beforeAll = '00000000-0000-0000-0000-000000000000'
/** As long as gateways keep an entry past its forget-after (I8). */
const keptLongerMs = 3_600_000

/** Ends the inventory rows a revocation names, in bulk and behind the gateways, which refuse by themselves (I5). */
@Injectable()
export class EndSessionsHandler {
  constructor(private readonly database: Database, private readonly cutoffs: CutoffStore, private readonly endings: EndingStore, private readonly events: SessionEvents) {}

  /** Repeats and whatever is older than what is known change nothing. One that was interrupted is taken up where rows are still live. */
  async handle(event: ReceivedEvent, record: RevocationRecord): Promise<void> {
    if (!endsSessions(record.scope)) return
    const sweep = await this.takeIn(event, record)
    if (sweep === undefined) return
    let after: string | undefined = beforeAll
    while (after !== undefined) after = await this.endSome(sweep, record, after)
  }

  /** The merged cutoff is committed first: from then on nothing it kills is issued, and everything issued before is there to be swept. */
  private takeIn(event: ReceivedEvent, record: RevocationRecord): Promise<Sweep | undefined> {
    const { tenant } = event
    const { scope } = record
    const selector = selectorOf(tenant, scope)
    return this.database.transact(tenant, async (tx) => {
      const known = await this.cutoffs.lockForChange(tx, tenant, selector)
      const isFirst = await tx.firstSeen('end-sessions', event.source, event.id)
      const { entry, isNew } = mergedEntry(known?.entry, entryOfRecord(record))
      if (isFirst) {
        await this.cutoffs.save(tx, tenant, selector, { entry, sweeping: isNew ? record.id : known?.sweeping ?? null })
        if (isOneIn32(record.id)) await this.cutoffs.forget(tx, tenant, instant(tx.now - keptLongerMs))
      }
      const isUnfinished = known !== undefined && known.sweeping !== null
      return (isFirst && isNew) || (!isFirst && isUnfinished) ? { tenant, scope, selector, entry } : undefined
    })
  }

  /** One chunk: the rows and the events that tell of them commit together. Answers where the next one begins, undefined after the last. */
  private endSome(sweep: Sweep, record: RevocationRecord, after: string): Promise<string | undefined> {
    const { tenant, selector, entry } = sweep
    return this.database.transact(tenant, async (tx) => {
      const candidates = await this.endings.candidates(tx, sweep, after, chunk)
      const ids = candidates.filter((candidate) => isEndedBy(entry, candidate)).map(({ id }) => id)
      const end = endOf(record)
      const ended = ids.length === 0 ? [] : await this.endings.end(tx, tenant, ids, end)
      await tx.outboxAll(ended.map((row) => this.events.ended(tenant, row, end, tx.now)))
      if (candidates.length === chunk) return candidates.at(-1)?.id
      await this.cutoffs.sweepDone(tx, tenant, selector, record.id)
      return undefined
    })
  }
}

/** By the random end of a UUID, so that the same record decides alike however often it comes. */
const isOneIn32 = (id: string): boolean => Number.parseInt(id.slice(-2), 16) % 32 === 0

const endOf = ({ id, decidedAt, reason, initiator }: RevocationRecord): SessionEnd =>
  ({ at: readInstant(decidedAt), reason: reason.code, by: initiator, revocationId: id })
