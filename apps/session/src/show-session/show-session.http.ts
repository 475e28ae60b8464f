import { Fault, type Session } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { Access, CurrentCaller, type KnownCaller } from '@curfew/service-kit'
import { Controller, Get, Param } from '@nestjs/common'
import { presentSession } from '../inventory/inventoried-session.js'
import { isSessionId } from '../inventory/session-id.js'
import { SessionStore } from '../store/session.store.js'

@Controller()
export class ShowSessionHttp {
  constructor(private readonly database: Database, private readonly sessions: SessionStore) {}

  /** Ended sessions stay readable. What is no session id, and what is another tenant's, is equally unknown. */
  @Get('v1/sessions/:id')
  @Access('sessions:read')
  show(@Param('id') id: string, @CurrentCaller() { tenant }: KnownCaller): Promise<Session> {
    if (!isSessionId(id)) throw new Fault('session.unknown')
    return this.database.transact(tenant, async (tx) => {
      const session = await this.sessions.find(tx, tenant, id)
      if (session === undefined) throw new Fault('session.unknown')
      return presentSession(session, tx.now)
    })
  }
}
