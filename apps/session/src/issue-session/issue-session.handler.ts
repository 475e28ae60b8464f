import { randomBytes, randomUUID } from 'node:crypto'
import { Fault, type IssuedSession, type SessionRequest } from '@curfew/contracts'
import { assert } from '@curfew/kernel'
import { Database, type Tx } from '@curfew/persistence'
import { requestHashOf, type KnownCaller } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { isActive, presentSession, type InventoriedSession } from '../inventory/inventoried-session.js'
import { sessionIdAt } from '../inventory/session-id.js'
import { TokenMinter, type SessionTokens } from '../keys/token-minter.js'
import { SessionEvents } from '../session-events/session-events.adapter.js'
import { SessionStore } from '../store/session.store.js'
import { Grounds } from './grounds.handler.js'
import { Liveness } from './liveness.handler.js'

export interface IssueRequest {
  readonly caller: KnownCaller
  readonly request: SessionRequest
  readonly idempotencyKey: string | undefined
}

/** The name of the route within idempotency keys. */
const route = 'POST /v1/sessions'

/** Issues sessions. A repeated request is the same session with newly minted tokens, and the refresh token it had before dies. */
@Injectable()
export class IssueSessionHandler {
  constructor(
    private readonly database: Database, private readonly sessions: SessionStore, private readonly grounds: Grounds, private readonly liveness: Liveness,
    private readonly minter: TokenMinter, private readonly events: SessionEvents,
  ) {}

  handle(asked: IssueRequest): Promise<IssuedSession> {
    const { caller: { tenant, clientId: client }, request, idempotencyKey: key } = asked
    return this.database.transact(tenant, async (tx) => {
      const id = sessionIdAt(tx.now, randomBytes(16))
      if (key === undefined) return this.first(tx, asked, id)
      const reserved = await tx.reserve({ client, route, key, requestHash: requestHashOf(request), id })
      return reserved.repeated ? this.again(tx, asked, reserved.id) : this.first(tx, asked, id)
    })
  }

  private async first(tx: Tx, { caller: { tenant, initiator }, request }: IssueRequest, id: string): Promise<IssuedSession> {
    const session = await this.grounds.begin(tx, tenant, request, id)
    await this.liveness.assertAlive(tx, session)
    // Minted before the last statement: whatever is wrong with a token must undo the session.
    const tokens = await this.mint(tx, session)
    await this.sessions.add(tx, session, { hash: tokens.refreshTokenHash, family: randomUUID() }, this.events.started(session, initiator, tx.now))
    return answer(session, tokens, tx)
  }

  private async again(tx: Tx, { caller: { tenant } }: IssueRequest, id: string): Promise<IssuedSession> {
    const session = await this.sessions.find(tx, tenant, id)
    assert(session, 'a session is committed with the key that reserved its id')
    if (!isActive(session, tx.now)) throw new Fault('session.superseded', { detail: 'the session that this request began has ended' })
    await this.liveness.assertAlive(tx, session)
    const tokens = await this.mint(tx, session)
    await this.sessions.replaceRefreshToken(tx, session, tokens.refreshTokenHash)
    return answer(session, tokens, tx)
  }

  private async mint(tx: Tx, session: InventoriedSession): Promise<SessionTokens> {
    const tokens = await this.minter.forSession(session, tx.now, randomUUID(), randomBytes(32))
    if (tokens === undefined) throw new Fault('parent.too_deep')
    return tokens
  }
}

const answer = (session: InventoriedSession, { accessToken, refreshToken, expiresIn }: SessionTokens, tx: Tx): IssuedSession =>
  ({ session: presentSession(session, tx.now), accessToken, refreshToken, tokenType: 'Bearer', expiresIn })
