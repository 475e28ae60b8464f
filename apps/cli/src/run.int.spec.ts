import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kafkaBus } from '@curfew/bus'
import { topicCatalogue, topics } from '@curfew/contracts'
import { freePort, kafkaBrokers, topicPrefix } from '@curfew/testing'
import { readConfig } from './config.js'
import { run } from './run.handler.js'

interface Ran { readonly code: number; readonly out: string; readonly err: string }
async function curfew(args: readonly string[], env: Record<string, string>, prefix?: string): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await run(args, { config: () => readConfig(env), out: (text) => (out += text), err: (text) => (err += text), ...(prefix !== undefined && { topicPrefix: prefix }) })
  return { code, out, err }
}

describe('on Kafka', () => {
  const prefix = topicPrefix()
  const env = { CURFEW_KAFKA_BROKERS: kafkaBrokers().join(',') }
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'cli-spec', log: quiet, topicPrefix: prefix })
  afterAll(() => bus.close())

  test('topics are missing, then applied, then as declared; applying again does nothing', async () => {
    const missing = await curfew(['topics', 'check'], env, prefix)
    expect([missing.code, missing.out]).toEqual([1, expect.stringContaining('curfew.revocations.v1 does not exist')])
    const applied = await curfew(['topics', 'apply', '--json'], env, prefix)
    expect([applied.code, (JSON.parse(applied.out) as { done: string[] }).done.length]).toEqual([0, topicCatalogue.length])
    expect(await curfew(['topics', 'apply'], env, prefix)).toEqual({ code: 0, out: 'every topic is as the catalogue declares it\n', err: '' })
    expect(await curfew(['topics', 'check', '--json'], env, prefix)).toEqual({ code: 0, out: '{\n  "differences": []\n}\n', err: '' })
  }, 120_000)

  test('a parked record is listed, shown and published again where it came from', async () => {
    const topic = 'curfew.lifecycle.parked.v1'
    const headers = {
      'ce_id': 's-1', 'curfew-parked-reason': 'event.invalid', 'curfew-parked-detail': '/subject: is missing', 'curfew-parked-attempts': '1', 'curfew-parked-topic': topics.lifecycle.name,
      'curfew-parked-partition': '2', 'curfew-parked-offset': '7', 'curfew-parked-at': '2026-11-23T20:15:04.123Z', 'curfew-parked-by': 'curfew.lifecycle',
    }
    await bus.publisher.publish([{ topic, key: 'k', value: Buffer.from('{"subject":7}'), headers }])
    const listed = await curfew(['parked', 'list', topics.lifecycle.name, '--json'], env, prefix)
    const { items: [item, ...more] } = JSON.parse(listed.out) as { items: { id: string; reason: string }[] }
    expect([item, more]).toMatchObject([{ reason: 'event.invalid', source: { topic: topics.lifecycle.name, partition: 2, offset: '7' } }, []])
    const id = item?.id as string
    expect((await curfew(['parked', 'show', id], env, prefix)).out).toMatch(/event\.invalid[\s\S]*ce_id: s-1[\s\S]*\{"subject":7\}\n$/)
    const replayed = await curfew(['parked', 'replay', id], env, prefix)
    expect([replayed.code, replayed.out]).toEqual([0, expect.stringMatching(new RegExp(`^${id} is published again at .*curfew\\.lifecycle\\.v1/\\d+/0\n$`))])
    expect((await curfew(['parked', 'list'], env, prefix)).out).toContain('replayed')
  }, 60_000)

  test('a place where nothing is parked is a failure, and what is no place is not understood', async () => {
    for (const verb of ['show', 'replay']) {
      const { code, err } = await curfew(['parked', verb, 'curfew.lifecycle.parked.v1/0/999'], env, prefix)
      expect([code, err]).toEqual([1, expect.stringContaining('"curfew parked list" prints what there is')])
    }
    expect((await curfew(['parked', 'show', 'here'], env, prefix)).code).toBe(2)
  }, 30_000)

  test('without brokers, or with none that answers, it says what to look at', async () => {
    expect(await curfew(['topics', 'check'], {})).toMatchObject({ code: 1, out: '', err: expect.stringContaining('CURFEW_KAFKA_BROKERS') })
    const nowhere = `127.0.0.1:${await freePort()}`
    expect(await curfew(['topics', 'check'], { CURFEW_KAFKA_BROKERS: nowhere })).toMatchObject({ code: 1, err: expect.stringContaining(`is Kafka running at ${nowhere}?`) })
  }, 60_000)
})

describe('over HTTP', () => {
  interface Received { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers']; readonly body: string }
  const received: Received[] = []
  let answer: (request: Received) => { status: number; body: unknown }
  let server: Server
  let url: string
  const grant = { status: 200, body: { access_token: 'a.b.c', token_type: 'Bearer', expires_in: 300, scope: 'admin' } }
  const decided = {
    id: '0197c0de-0000-7000-8000-000000000001', tenant: 'default', scope: { kind: 'session', id: 's-1' }, except: [], reason: { code: 'x' }, initiator: { kind: 'client', id: 'ci' },
    state: 'published', cutoff: null, decidedAt: '2026-11-23T20:15:04.123Z', links: { self: '/v1/revocations/0197c0de-0000-7000-8000-000000000001' },
  }

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += String(part))).on('end', () => {
        const one: Received = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
        received.push(one)
        const { status, body: said } = answer(one)
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    received.length = 0
    answer = ({ url: path }) => (path === '/oauth2/token' ? grant : { status: 201, body: decided })
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  const env = () => ({ CURFEW_URL: url, CURFEW_CLIENT_ID: 'ci', CURFEW_CLIENT_SECRET: 'a secret+with%signs' })

  test('a token is printed and nothing else', async () => {
    expect(await curfew(['token'], env())).toEqual({ code: 0, out: 'a.b.c\n', err: '' })
    expect(Object.fromEntries(new URLSearchParams(received[0]?.body))).toEqual({ grant_type: 'client_credentials', client_id: 'ci', client_secret: 'a secret+with%signs' })
    expect(JSON.parse((await curfew(['token', '--scope', 'audit:read', '--json'], env())).out)).toEqual({ accessToken: 'a.b.c', expiresIn: 300, scope: 'admin' })
    expect(new URLSearchParams(received[1]?.body).get('scope')).toBe('audit:read')
  })

  test('the data directory\'s credentials serve where the environment names none', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'curfew-cli-'))
    const here = { CURFEW_URL: url, CURFEW_DATA_DIR: directory }
    expect(await curfew(['token'], here)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/no credentials at .*credentials\.json: run "npm start"/) })
    await writeFile(join(directory, 'credentials.json'), 'not json')
    expect(await curfew(['token'], here)).toMatchObject({ code: 1, err: expect.stringContaining('does not hold') })
    await writeFile(join(directory, 'credentials.json'), JSON.stringify({ clientId: 'admin', clientSecret: 'kept' }))
    expect((await curfew(['token'], here)).code).toBe(0)
    expect(new URLSearchParams(received[0]?.body).get('client_id')).toBe('admin')
    await rm(directory, { recursive: true })
  })

  test('a revocation is asked for with the caller\'s own token, and its outcome is one line', async () => {
    const { code, out } = await curfew(['revoke', 'session', 's-1', '--wait', 'accepted', '--timeout-ms', '100', '--tenant', 'acme'], env())
    expect([code, out]).toEqual([0, 'published: session s-1; revocation 0197c0de-0000-7000-8000-000000000001\n'])
    expect(received[1]).toMatchObject({ method: 'POST', url: '/v1/revocations?wait=accepted&timeoutMs=100', headers: { 'authorization': 'Bearer a.b.c', 'curfew-tenant': 'acme' } })
    expect(JSON.parse(received[1]?.body ?? '')).toEqual({ scope: { kind: 'session', id: 's-1' } })
  })

  test('a wait that ran out is exit code 1, with the state that was reached', async () => {
    answer = ({ url: path }) => (path === '/oauth2/token' ? grant : { status: 202, body: { ...decided, state: 'accepted' } })
    expect(await curfew(['revoke', 'session', 's-1', '--json'], env())).toMatchObject({ code: 1, out: expect.stringContaining('"state": "accepted"') })
  })

  test('refusals name the problem, and no secret is repeated', async () => {
    answer = () => ({ status: 401, body: { error: 'invalid_client', error_description: 'the client is unknown' } })
    const refused = await curfew(['revoke', 'tenant'], env())
    expect([refused.code, refused.out, refused.err]).toEqual([1, '', expect.stringMatching(/^curfew: no token: invalid_client: .*CURFEW_CLIENT_SECRET/)])
    answer = ({ url: path }) => (path === '/oauth2/token' ? grant : { status: 403, body: { title: 't', code: 'auth.scope', detail: 'needs revocations:write:wide' } })
    const forbidden = await curfew(['revoke', 'tenant'], env())
    expect([forbidden.code, forbidden.err]).toEqual([1, expect.stringContaining('auth.scope: needs revocations:write:wide')])
    for (const { err } of [refused, forbidden]) expect(err).not.toMatch(/a secret\+with|a\.b\.c/)
  })

  test('a control plane that is not there is named', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`
    expect(await curfew(['token'], { ...env(), CURFEW_URL: nowhere })).toMatchObject({ code: 1, err: expect.stringMatching(/cannot be reached \(ECONNREFUSED\): is Curfew running there\?/) })
  })

  test('services at two addresses are each called at their own', async () => {
    expect((await curfew(['revoke', 'session', 's-1'], { ...env(), CURFEW_URL: 'http://127.0.0.1:9', CURFEW_SESSION_URL: url, CURFEW_REVOCATION_URL: url })).code).toBe(0)
  })

  test('the launcher works from anywhere, with an empty environment', async () => {
    const launcher = fileURLToPath(new URL('../bin/curfew.mjs', import.meta.url))
    const launched = await new Promise<Ran>((resolve) => execFile(process.execPath, [launcher, 'token'], { env: env(), cwd: tmpdir() },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err })))
    expect(launched).toEqual({ code: 0, out: 'a.b.c\n', err: '' })
    const misspelt = await new Promise<Ran>((resolve) => execFile(process.execPath, [launcher, 'tokne'], { env: {}, cwd: tmpdir() },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err })))
    expect([misspelt.code, misspelt.out, misspelt.err]).toEqual([2, '', expect.stringContaining('no command "tokne"')])
  }, 30_000)
})
