import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startDistributedProfile } from '@curfew/testing'
import { Pool } from 'undici'

interface Live {
  readonly id: string
  readonly accessToken: string
}

export interface Ours {
  /** Issues this many sessions and uses each once at every gateway, as sessions in use have been. */
  prepare(count: number): Promise<void>
  /** One prepared session: from the revoke call to refused at every gateway, milliseconds. */
  sample(): Promise<number>
  close(): Promise<void>
}

/** Curfew's distributed profile as processes, driven through its outer contract alone. */
export async function startOurs({ kafka, database, redis, gateways }: { kafka: string; database: string; redis: string; gateways: number }): Promise<Ours> {
  const upstream = createServer((request, response) => void request.resume().on('end', () => response.end('ok')))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const profile = await startDistributedProfile({
    kafka, database, redis, gateways, upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, env: { CURFEW_LOG_LEVEL: 'warn' },
  })
  const session = new Pool(profile.services.session.url, { connections: 16 })
  const revocation = new Pool(profile.services.revocation.url, { connections: 64 })
  const doors = profile.gateways.map((gateway) => new Pool(gateway.url, { connections: 64 }))
  let token = ''
  const ready: Live[] = []
  let issued = 0

  const issue = async (): Promise<void> => {
    const answer = await json(session, 'POST', '/v1/sessions', token, { subject: { sub: `bench-${(issued += 1)}` }, clientId: 'bench' })
    if (answer.status !== 201) throw new Error(`no session: ${answer.status}`)
    const { accessToken, session: { id } } = answer.body as { accessToken: string; session: { id: string } }
    for (const door of doors) if ((await probe(door, accessToken)) !== 200) throw new Error('a fresh session was not admitted')
    ready.push({ id, accessToken })
  }
  return {
    prepare: async (count) => {
      // A token lives five minutes and a block far less.
      token = await adminToken(session, profile.credentials)
      const hands = Array.from({ length: 8 }, async (_, hand) => {
        for (let at = hand; at < count; at += 8) await issue()
      })
      await Promise.all(hands)
    },
    sample: async () => {
      const live = ready.pop()
      if (!live) throw new Error('no prepared session is left')
      const begin = performance.now()
      const answer = await json(revocation, 'POST', '/v1/revocations', token, { scope: { kind: 'session', id: live.id } })
      if (answer.status !== 201) throw new Error(`not revoked: ${answer.status}`)
      await Promise.all(doors.map((door) => refused(door, live.accessToken)))
      return performance.now() - begin
    },
    close: async () => {
      await Promise.allSettled([session, revocation, ...doors].map((pool) => pool.destroy()))
      await profile.close()
      upstream.close()
      upstream.closeAllConnections()
    },
  }
}

/** Ten seconds of back-to-back probes: far past any figure worth reporting. */
async function refused(door: Pool, accessToken: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while ((await probe(door, accessToken)) !== 401) if (performance.now() > deadline) throw new Error('a gateway never refused')
}

async function probe(door: Pool, accessToken: string): Promise<number> {
  const { statusCode, body } = await door.request({ method: 'GET', path: '/', headers: { authorization: `Bearer ${accessToken}` } })
  await body.dump()
  return statusCode
}

async function json(pool: Pool, method: 'POST', path: string, token: string, content: unknown): Promise<{ status: number; body: unknown }> {
  const { statusCode, body } = await pool.request({
    method, path, body: JSON.stringify(content), headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  })
  return { status: statusCode, body: await body.json() }
}

async function adminToken(session: Pool, { clientId, clientSecret }: { clientId: string; clientSecret: string }): Promise<string> {
  const { body } = await session.request({
    method: 'POST', path: '/oauth2/token', body: 'grant_type=client_credentials',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
  })
  return ((await body.json()) as { access_token: string }).access_token
}
