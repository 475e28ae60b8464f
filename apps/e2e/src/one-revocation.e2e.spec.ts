import { randomUUID } from 'node:crypto'
import { kafkaBus, type BusRecord } from '@curfew/bus'
import { freshDatabase, ownKafka, redisUrl, startDistributedProfile, until, type DistributedProfile, type FreshDatabase, type OwnKafka } from '@curfew/testing'
import { ControlPlane, through } from './control-plane.js'
import { curfew } from './command-line.js'
import { startEchoUpstream, type EchoUpstream } from './echo-upstream.js'
import { lifecycleRecord, produceForeign } from './foreign-producer.js'

// The life of one revocation with every service its own process and two gateways, on real Kafka, PostgreSQL and Redis.
let kafka: OwnKafka
let database: FreshDatabase
let upstream: EchoUpstream
let profile: DistributedProfile
let plane: ControlPlane

beforeAll(async () => {
  ;[kafka, database, upstream] = await Promise.all([ownKafka(), freshDatabase(), startEchoUpstream()])
  profile = await startDistributedProfile({ kafka: kafka.brokers.join(','), database: database.url, redis: redisUrl(), upstream: upstream.url })
  const { session, revocation, lifecycle, audit } = profile.services
  plane = new ControlPlane({ session: session.url, revocation: revocation.url, lifecycle: lifecycle.url, audit: audit.url, credentials: profile.credentials })
}, 180_000)

afterAll(async () => {
  await Promise.allSettled([profile?.close()])
  await Promise.allSettled([kafka?.close(), upstream?.close()])
  await database?.drop()
}, 60_000)

const everywhere = (token: string): Promise<(number | string)[]> => Promise.all(profile.gateways.map((gateway) => through(gateway.url, token)))
const admitted = [200, 200]
const refused = ['session.revoked', 'session.revoked']
const refusedEverywhere = (token: string): Promise<unknown> =>
  until(async () => (await everywhere(token)).every((answer) => answer === 'session.revoked'), { timeoutMs: 10_000, what: 'both gateways to refuse' })
const person = (): string => `alice-${randomUUID()}`

test('a session is admitted at both gateways, revoked, and refused at both', async () => {
  const { accessToken, session } = await plane.issue(person())
  expect(await everywhere(accessToken)).toEqual(admitted)
  const answer = await plane.revoke({ kind: 'session', id: session.id })
  expect([answer.status, answer.body['state']]).toEqual([201, 'published'])
  await refusedEverywhere(accessToken)
  expect(await everywhere(accessToken)).toEqual(refused)
})

test('the refusal never says which scope was revoked, and no upstream sees the request', async () => {
  const { accessToken } = await plane.issue(person(), { device: { id: 'lost-phone' } })
  await plane.revoke({ kind: 'device', deviceId: 'lost-phone' })
  await refusedEverywhere(accessToken)
  const served = upstream.served()
  const answer = await fetch(`${profile.gateways[0]?.url}/anything`, { headers: { authorization: `Bearer ${accessToken}` } })
  const text = await answer.text()
  expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  expect(text).not.toMatch(/device|lost-phone/)
  expect(upstream.served()).toBe(served)
})

test('a password reset produced with the Java client ends the sessions at both gateways; duplicates and reordering change nothing', async () => {
  const sub = person()
  const before = await plane.issue(sub)
  expect(await everywhere(before.accessToken)).toEqual(admitted)
  // Skew is added to a sender's instant but never past the decision: a reset of a second ago ends what began before now.
  const reset = lifecycleRecord('password_reset', sub, new Date(), { id: randomUUID() })
  await produceForeign(kafka.brokers.join(','), [reset])
  await refusedEverywhere(before.accessToken)
  const after = await plane.issue(sub)
  const older = lifecycleRecord('password_reset', sub, new Date(Date.now() - 3_600_000))
  await produceForeign(kafka.brokers.join(','), [reset, reset, older, reset])
  // The last of these is applied after all of them, in the order of its partition: a marker subject tells when.
  const marker = await plane.issue(sub, { device: { id: `marker-${sub}` } })
  await produceForeign(kafka.brokers.join(','), [lifecycleRecord('device_lost', sub, new Date(), { details: { deviceId: `marker-${sub}` } })])
  await refusedEverywhere(marker.accessToken)
  expect(await everywhere(before.accessToken)).toEqual(refused)
  expect(await everywhere(after.accessToken)).toEqual(admitted)
}, 60_000)

test('a session begun after the cutoff works at once, and one whose authentication is older is not issued', async () => {
  const sub = person()
  const dead = await plane.issue(sub)
  await plane.revoke({ kind: 'subject', sub })
  await refusedEverywhere(dead.accessToken)
  const alive = await plane.issue(sub)
  expect(await everywhere(alive.accessToken)).toEqual(admitted)
  // Refused from the instant the session service has the cutoff, which is not the instant a gateway has it; what it issued before is dead all the same.
  const early: string[] = []
  await until(async () => {
    const outcome = await plane.issue(sub, { authenticatedAt: dead.session.beganAt }).catch((error: Error) => error)
    if (!(outcome instanceof Error)) early.push(outcome.accessToken)
    return outcome instanceof Error && outcome.message.includes('session.superseded')
  }, { timeoutMs: 5_000, what: 'an old authentication to be refused' })
  for (const token of early) expect(await everywhere(token)).toEqual(refused)
})

test('except spares the named session and no other', async () => {
  const sub = person()
  const spared = await plane.issue(sub)
  const other = await plane.issue(sub)
  await plane.revoke({ kind: 'subject', sub }, { except: [spared.session.id] })
  await refusedEverywhere(other.accessToken)
  expect(await everywhere(spared.accessToken)).toEqual(admitted)
})

test('a session derived from a dead one is dead', async () => {
  const sub = person()
  const parent = await plane.issue(sub)
  const child = await plane.issue(sub, { parentSessionId: parent.session.id, kind: 'agent', agentId: 'helper' })
  expect(await everywhere(child.accessToken)).toEqual(admitted)
  await plane.revoke({ kind: 'session', id: parent.session.id })
  await refusedEverywhere(child.accessToken)
})

test('the inventory and the audit trail tell who ended it and why', async () => {
  const sub = person()
  const { session } = await plane.issue(sub)
  const { body } = await plane.revoke({ kind: 'subject', sub }, { reason: { code: 'helpdesk', text: 'ticket 4711' } })
  const told = await until(async () => {
    const answer = await plane.audit(`revocationId=${body['id']}&kind=curfew.revocation.decided`)
    return answer.body.items?.[0]
  }, { timeoutMs: 15_000, what: 'the revocation in the audit trail' })
  expect(told).toMatchObject({ actor: { kind: 'client', id: profile.credentials.clientId }, subject: { sub }, reason: 'helpdesk: ticket 4711' })
  await until(async () => (await plane.sessions(`sub=${sub}&status=ended`)).body.items.some((item) => item['id'] === session.id), { timeoutMs: 15_000, what: 'the session to be ended in the inventory' })
})

test('every scope of the contract ends what it names at both gateways', async () => {
  const sub = person()
  const tag = randomUUID()
  const scopes: [Record<string, unknown>, Record<string, unknown>][] = [
    [{ kind: 'client', clientId: `app-${tag}` }, { clientId: `app-${tag}` }], [{ kind: 'device', deviceId: `d-${tag}` }, { device: { id: `d-${tag}` } }],
    [{ kind: 'agent', agentId: `a-${tag}` }, { kind: 'agent', agentId: `a-${tag}` }], [{ kind: 'grant', grantId: `g-${tag}` }, { grantId: `g-${tag}` }],
    [{ kind: 'subject', sub: `s-${tag}` }, { subject: { sub: `s-${tag}` } }],
  ]
  for (const [scope, more] of scopes) {
    const { accessToken } = await plane.issue(sub, more)
    expect([scope, await everywhere(accessToken)]).toEqual([scope, admitted])
    expect([scope, (await plane.revoke(scope)).status]).toEqual([scope, 201])
    await refusedEverywhere(accessToken)
  }
  const { accessToken } = await plane.issue(sub)
  const { jti } = JSON.parse(Buffer.from(accessToken.split('.')[1] as string, 'base64url').toString()) as { jti: string }
  await plane.revoke({ kind: 'token', jti })
  await refusedEverywhere(accessToken)
}, 60_000)

test('one trace follows a revocation from the call through the outbox and Kafka into what session publishes of it', async () => {
  const sub = person()
  await plane.issue(sub)
  const traceId = randomUUID().replaceAll('-', '')
  const { body } = await plane.revoke({ kind: 'subject', sub }, {}, '', { traceparent: `00-${traceId}-00f067aa0ba902b7-01` })
  const seen = await tailed(['curfew.revocations.v1', 'curfew.sessions.v1'], (records) =>
    ['curfew.revocation.decided', 'curfew.session.ended'].every((type) => records.some(({ headers }) => headers['ce_type'] === type && headers['traceparent']?.includes(traceId))))
  expect(seen.find(({ headers }) => headers['ce_id'] === body['id'])?.headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)`))
}, 60_000)

test('a key repeated is one revocation, and another request under it is refused', async () => {
  const { session } = await plane.issue(person())
  const headers = { 'idempotency-key': randomUUID() }
  const answers = await Promise.all(Array.from({ length: 8 }, () => plane.revoke({ kind: 'session', id: session.id }, {}, '', headers)))
  expect(new Set(answers.map(({ status, body }) => `${status} ${String(body['id'])}`)).size).toBe(1)
  expect((await plane.revoke({ kind: 'session', id: 'another' }, {}, '', headers)).body).toMatchObject({ code: 'idempotency.mismatch', status: 422 })
})

test('garbage on a topic is parked with its reason, and the stream goes on', async () => {
  const sub = person()
  const { accessToken } = await plane.issue(sub)
  const topic = 'curfew.lifecycle.v1'
  const key = `default/${sub}`
  const headers = { ce_specversion: '1.0', ce_id: randomUUID(), ce_source: 'https://hr.example', ce_type: 'curfew.lifecycle.password_reset' }
  const data = Buffer.from(JSON.stringify({ subject: { sub: 'nobody' }, occurredAt: new Date().toISOString() }))
  await produceForeign(kafka.brokers.join(','), [
    { topic, key, value: Buffer.from('not json'), headers: { ...headers, ce_id: randomUUID() } },
    { topic, key, value: Buffer.from('{"subject":7}'), headers: { ...headers, ce_id: randomUUID() } },
    { topic, key, value: data, headers: { ...headers, ce_id: randomUUID(), ce_dataschema: 'https://curfew.dev/schemas/curfew.lifecycle.password_reset/99' } },
    { topic, key, value: Buffer.alloc(5 * 1_048_576, 0x20), headers: { ...headers, ce_id: randomUUID() } },
    { topic, key, value: null, headers: { ...headers, ce_id: randomUUID() } },
    { topic, key, value: data },
    lifecycleRecord('offboarded', sub, new Date()),
  ])
  await refusedEverywhere(accessToken)
  const reasons = await parkedReasons(topic.replace('.v1', '.parked.v1'))
  expect(reasons).toEqual(expect.arrayContaining(['event.unreadable', 'event.invalid', 'event.version_unknown', 'record.too_large']))
  expect(reasons.length).toBeGreaterThanOrEqual(6)
}, 60_000)

test('a revocation that the control plane did not sign ends nothing anywhere, and is parked', async () => {
  const sub = person()
  const { accessToken, session } = await plane.issue(sub)
  const at = new Date().toISOString()
  const record = {
    id: randomUUID(), tenant: 'default', scope: { kind: 'session', id: session.id }, cutoff: null, except: [], decidedAt: at, forgetAfter: new Date(Date.now() + 86_400_000).toISOString(),
    reason: { code: 'forged' }, initiator: { kind: 'client', id: 'mallory' },
  }
  await produceForeign(kafka.brokers.join(','), [{
    topic: 'curfew.revocations.v1', key: 'forged', value: Buffer.from(JSON.stringify(record)),
    headers: { ce_specversion: '1.0', ce_id: record.id, ce_source: 'urn:curfew:revocation', ce_type: 'curfew.revocation.decided', 'curfew-signature': 'x' },
  }])
  // Session and audit both met it and put it aside.
  await until(async () => (await parkedReasons('curfew.revocations.parked.v1')).filter((reason) => reason === 'event.not_authentic').length === 2, { timeoutMs: 20_000, what: 'the forged record to be parked by both' })
  expect(await everywhere(accessToken)).toEqual(admitted)
  expect((await plane.sessions(`sub=${sub}&status=active`)).body.items).toHaveLength(1)
  expect((await plane.audit(`revocationId=${record.id}`)).body.items).toEqual([])
}, 60_000)

/** Reads topics from their beginning until the records read so far are enough. */
async function tailed(topics: readonly string[], enough: (records: readonly BusRecord[]) => boolean): Promise<readonly BusRecord[]> {
  const nothing = (): void => undefined
  const bus = kafkaBus({ brokers: kafka.brokers, clientId: 'e2e', log: { debug: nothing, info: nothing, warn: nothing, error: nothing } })
  const records: BusRecord[] = []
  try {
    for (const topic of topics) {
      await bus.feed.tail({ topic, from: await bus.feed.startOffsets(topic), onBatch: (_partition, batch) => void records.push(...batch), onLost: nothing })
    }
    await until(() => enough(records), { timeoutMs: 20_000, what: `enough records on ${topics.join(' and ')}` })
    return records
  } finally {
    await bus.close()
  }
}

async function parkedReasons(topic: string): Promise<string[]> {
  const { items } = JSON.parse(await curfew(['parked', 'list', topic, '--json'], { CURFEW_KAFKA_BROKERS: kafka.brokers.join(',') })) as { items: { reason: string }[] }
  return items.map(({ reason }) => reason)
}
