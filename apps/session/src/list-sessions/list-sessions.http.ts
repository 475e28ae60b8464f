import { sessionFilter, type Session, type SessionFilter } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { Access, accepting, CurrentCaller, Cursors, type KnownCaller } from '@curfew/service-kit'
import { Controller, Get, Query } from '@nestjs/common'
import { presentSession } from '../inventory/inventoried-session.js'
import { SessionStore } from '../store/session.store.js'

interface SessionPage {
  readonly items: Session[]
  readonly nextCursor: string | null
}

@Controller()
export class ListSessionsHttp {
  constructor(private readonly database: Database, private readonly sessions: SessionStore, private readonly cursors: Cursors) {}

  /** Newest first. A cursor names the last session shown: what is issued meanwhile comes before it, so a page never shifts. */
  @Get('v1/sessions')
  @Access('sessions:read')
  list(@Query(accepting(sessionFilter)) filter: SessionFilter, @CurrentCaller() { tenant }: KnownCaller): Promise<SessionPage> {
    const list = `GET /v1/sessions ${tenant}`
    const before = this.cursors.decode(filter.cursor, list)?.[0]
    return this.database.transact(tenant, async (tx) => {
      const found = await this.sessions.page(tx, tenant, filter, before === undefined ? undefined : String(before))
      const shown = found.slice(0, filter.limit)
      const last = shown.at(-1)
      return {
        items: shown.map((session) => presentSession(session, tx.now)),
        nextCursor: last !== undefined && found.length > shown.length ? this.cursors.encode([last.id], list) : null,
      }
    })
  }
}
