import { auditFilter, Fault, readInstant, type AuditEvent, type AuditFilter } from '@curfew/contracts'
import { canonicalJson, instant, toIso, type Instant } from '@curfew/kernel'
import { Database } from '@curfew/persistence'
import { Access, accepting, CurrentCaller, Cursors, DerivedSecrets, type CursorPosition, type KnownCaller } from '@curfew/service-kit'
import { Controller, Get, Param, Query } from '@nestjs/common'
import { validate } from 'uuid'
import { wordsOf } from '../record-event/words.js'
import { AuditEventStore, type KeptRecord, type RecordPlace, type RecordSearch } from '../store/audit-events.store.js'

interface AuditPage {
  readonly items: AuditEvent[]
  readonly nextCursor: string | null
}

/** More than a person combines, and each costs a look-up of its own. */
const mostWords = 16

/** The trail of the caller's own tenant, newest first. */
@Controller()
export class SearchEventsHttp {
  constructor(private readonly database: Database, private readonly trail: AuditEventStore, private readonly secrets: DerivedSecrets, private readonly cursors: Cursors) {}

  @Get('v1/audit/events')
  @Access('audit:read')
  async list(@Query(accepting(auditFilter)) { cursor, limit, ...filter }: AuditFilter, @CurrentCaller() { tenant }: KnownCaller): Promise<AuditPage> {
    const list = JSON.stringify(['audit-events', tenant, canonicalJson(filter)])
    const after = placeOf(this.cursors.decode(cursor, list))
    const search = this.searchFor(tenant, filter)
    // A search for no letter and no digit finds nothing, as one for a word that is nowhere.
    if (search.words.length === 0 && filter.q?.trim()) return { items: [], nextCursor: null }
    const found = await this.database.transact(tenant, (tx) => this.trail.search(tx, tenant, { ...search, after, limit: limit + 1 }))
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1) : undefined
    return { items: page.map(presented), nextCursor: last === undefined ? null : this.cursors.encode([last.time, last.id], list) }
  }

  @Get('v1/audit/events/:id')
  @Access('audit:read')
  async show(@Param('id') id: string, @CurrentCaller() { tenant }: KnownCaller): Promise<AuditEvent> {
    const found = validate(id) ? await this.database.transact(tenant, (tx) => this.trail.find(tx, tenant, id)) : undefined
    if (found === undefined) throw new Fault('audit.unknown')
    return presented(found)
  }

  /** A session is looked for by its hash, the only form of it that the trail holds (I12). */
  private searchFor(tenant: string, { q = '', sub, sessionId, revocationId, actor, kind, outcome, from, to }: Omit<AuditFilter, 'cursor' | 'limit'>): Omit<RecordSearch, 'limit'> {
    const words = wordsOf([q], mostWords + 1)
    if (words.length > mostWords) throw new Fault('request.invalid', { errors: [{ pointer: '?q', message: `holds more than ${mostWords} words` }] })
    return {
      words, sub, revocationId, actor, kind, outcome, sessionHash: sessionId === undefined ? undefined : this.secrets.sessionHash(tenant, sessionId),
      from: boundOf(from), to: boundOf(to),
    }
  }
}

/** Rows lie between the epoch and the last year of four digits; a bound outside them is the nearest one inside, which PostgreSQL can read. */
const boundOf = (text: string | undefined): Instant | undefined =>
  text === undefined ? undefined : instant(Math.min(Math.max(0, readInstant(text)), Date.UTC(9999, 11, 31)))

// The cursor is sealed by us, so what it opens to is what `list` put in.
const placeOf = (position: CursorPosition | undefined): RecordPlace | undefined =>
  position === undefined ? undefined : { time: instant(Number(position[0])), id: String(position[1]) }

const presented = ({ contentHash: _, time, recordedAt, source, ...record }: KeptRecord): AuditEvent =>
  ({ ...record, time: toIso(time), recordedAt: toIso(recordedAt), source: { ...source, offset: String(source.offset) } })
