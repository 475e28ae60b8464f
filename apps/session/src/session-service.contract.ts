import { encodeEvent, eventKey, type OutgoingRecord } from '@curfew/bus'
import { events, type IssuedSession, type RevocationRecord, type Session } from '@curfew/contracts'
import { selectorOf, type TokenFacts } from '@curfew/denylist'
import { instant, toIso, type TenantId } from '@curfew/kernel'
import { startServices, type CallerVerdicts } from '@curfew/service-kit'
import { testPlatform, type HandBus, type TestPlatform } from '@curfew/service-kit/testing'
import { freshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import { v7 } from 'uuid'
import { compose } from './compose.js'

/** Verdicts of a feed that a spec decides: callers of the control plane always stand, sessions as it says. */
export class FeedInHand implements CallerVerdicts {
  verdict: (facts: TokenFacts) => 'allowed' | 'revoked' | 'stale' = () => 'allowed'
  verdictOn(facts: TokenFacts): Promise<'allowed' | 'revoked' | 'stale'> {
    return Promise.resolve(facts.hops[0].sessionId === undefined ? 'allowed' : this.verdict(facts))
  }
}

export interface Answer<T> {
  readonly status: number
  readonly body: T
  readonly headers: Headers
}

export interface SessionService {
  readonly platform: TestPlatform
  readonly bus: HandBus
  readonly feed: FeedInHand
  readonly url: string
  readonly databaseUrl: string
  call<T = Record<string, unknown>>(method: string, path: string, options?: { body?: unknown; scope?: string; tenant?: string; headers?: Record<string, string> }): Promise<Answer<T>>
  issue(request?: object, options?: { tenant?: string; headers?: Record<string, string> }): Promise<Answer<IssuedSession>>
  show(id: string, tenant?: string): Promise<Session>
  /** Decides a revocation as the revocation service would, and hands it to the consumer. */
  revoke(scope: RevocationRecord['scope'], more?: Partial<RevocationRecord> & { tenant?: string; eventId?: string; sealed?: (record: OutgoingRecord) => OutgoingRecord }): Promise<RevocationRecord>
  /** Rows as a superuser sees them: no tenant hides any. */
  rows<Row = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<Row[]>
  close(): Promise<void>
}

/** One instance of the service on a real database, with the bus and the feed in the spec's hands. */
export async function startSession(parts: Partial<TestPlatform> = {}): Promise<SessionService> {
  const database = parts.databaseUrl === undefined ? await freshDatabase() : undefined
  const databaseUrl = parts.databaseUrl ?? (database?.url as string)
  const feed = new FeedInHand()
  const platform = testPlatform({ callers: feed, ...parts, databaseUrl })
  const services = await startServices({ definitions: [await compose(platform)], platform, host: '127.0.0.1', port: 0 })
  const bus = platform.bus as HandBus
  const call: SessionService['call'] = async <T>(method: string, path: string, { body, scope = 'admin', tenant = 'default', headers = {} }: Parameters<SessionService['call']>[2] = {}) => {
    const answer = await fetch(`${services.url}${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
      headers: { authorization: `Bearer ${await platform.token(scope, { tenant })}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }
  return {
    platform, bus, feed, url: services.url, databaseUrl, call,
    issue: (request = {}, options = {}) => call<IssuedSession>('POST', '/v1/sessions', { body: { subject: { sub: 'alice' }, clientId: 'web', ...request }, scope: 'sessions:issue', ...options }),
    show: async (id, tenant) => (await call<Session>('GET', `/v1/sessions/${id}`, { scope: 'sessions:read', tenant })).body,
    revoke: async (scope, { eventId, tenant = 'default', sealed = (record: OutgoingRecord) => record, ...more } = {}) => {
      const absolute = scope.kind === 'session' || scope.kind === 'token' || scope.kind === 'key'
      // Issuance reads the database's clock and this line ours: a cutoff a minute ahead is surely after whatever was issued.
      const cutoff = absolute ? null : toIso(instant(Date.now() + 60_000))
      const record: RevocationRecord = {
        id: v7(), tenant, scope, cutoff, except: [], decidedAt: toIso(instant(Date.now())), forgetAfter: toIso(instant(Date.now() + 86_400_000)),
        reason: { code: 'password_reset' }, initiator: { kind: 'client', id: 'helpdesk' }, ...more,
      }
      await bus.hand(sealed(encodeEvent(events.revocationDecided, eventKey(tenant, selectorOf(tenant as TenantId, scope)), { id: eventId ?? record.id, source: 'urn:curfew:revocation', tenant }, record)))
      return record
    },
    rows: <Row>(sql: string, parameters: unknown[] = []) => once<Row>(databaseUrl, sql, parameters),
    close: async () => {
      await services.close()
      await database?.drop()
    },
  }
}

async function once<Row>(url: string, sql: string, parameters: unknown[]): Promise<Row[]> {
  const client = new Client({ connectionString: url, options: '-c search_path=curfew_session' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql, parameters)).rows as Row[]
  } finally {
    await client.end()
  }
}
