import { Fault, signalFilter, type Signal, type SignalFilter } from '@curfew/contracts'
import { instant, toIso } from '@curfew/kernel'
import { Database } from '@curfew/persistence'
import { Access, accepting, CurrentCaller, Cursors, type CursorPosition, type KnownCaller } from '@curfew/service-kit'
import { Controller, Get, Param, Query } from '@nestjs/common'
import { validate } from 'uuid'
import { SignalStore, type KeptSignal, type SignalPlace } from '../store/signals.store.js'

/** Received signals, verbatim, with what they led to. Whoever may read the audit trail may read the plain session ids a signal names. */
@Controller()
export class ShowSignalsHttp {
  constructor(private readonly database: Database, private readonly signals: SignalStore, private readonly cursors: Cursors) {}

  @Get('v1/lifecycle-signals')
  @Access('audit:read')
  async list(@Query(accepting(signalFilter)) filter: SignalFilter, @CurrentCaller() { tenant }: KnownCaller): Promise<{ items: Signal[]; nextCursor: string | null }> {
    const { cursor, limit, sub, kind } = filter
    const list = JSON.stringify(['lifecycle-signals', tenant, sub ?? null, kind ?? null])
    const after = placeOf(this.cursors.decode(cursor, list))
    const found = await this.database.transact(tenant, (tx) => this.signals.list(tx, tenant, { sub, kind, after, limit: limit + 1 }))
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1) : undefined
    return { items: page.map(presented), nextCursor: last === undefined ? null : this.cursors.encode([last.receivedAt, last.id], list) }
  }

  @Get('v1/lifecycle-signals/:id')
  @Access('audit:read')
  async show(@Param('id') id: string, @CurrentCaller() { tenant }: KnownCaller): Promise<Signal> {
    const found = validate(id) ? await this.database.transact(tenant, (tx) => this.signals.find(tx, tenant, id)) : undefined
    if (found === undefined) throw new Fault('signal.unknown')
    return presented(found)
  }
}

// The cursor is sealed by us, so what it opens to is what `list` put in.
const placeOf = (position: CursorPosition | undefined): SignalPlace | undefined =>
  position === undefined ? undefined : { receivedAt: instant(Number(position[0])), id: String(position[1]) }

const presented = ({ contentHash: _, occurredAt, receivedAt, revocationIds, ...signal }: KeptSignal): Signal =>
  ({ ...signal, occurredAt: toIso(occurredAt), receivedAt: toIso(receivedAt), revocationIds: [...revocationIds] })
