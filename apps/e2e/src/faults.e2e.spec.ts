import { randomUUID } from 'node:crypto'
import { ownKafka, ownPostgres, startDistributedProfile, until, type DistributedProfile, type OwnKafka, type OwnPostgres } from '@curfew/testing'
import { ControlPlane, through } from './control-plane.js'
import { startEchoUpstream, type EchoUpstream } from './echo-upstream.js'
import { lifecycleRecord, produceForeign } from './foreign-producer.js'

// DESIGN section 8: what must happen when a part breaks. Every test leaves the parts standing for the next one.
let kafka: OwnKafka
let postgres: OwnPostgres
let upstream: EchoUpstream
let profile: DistributedProfile
let plane: ControlPlane

beforeAll(async () => {
  ;[kafka, postgres, upstream] = await Promise.all([ownKafka(), ownPostgres(), startEchoUpstream()])
  profile = await startDistributedProfile({ kafka: kafka.brokers.join(','), database: postgres.url, upstream: upstream.url })
  const { session, revocation, lifecycle, audit } = profile.services
  plane = new ControlPlane({ session: session.url, revocation: revocation.url, lifecycle: lifecycle.url, audit: audit.url, credentials: profile.credentials })
}, 180_000)

afterAll(async () => {
  await Promise.allSettled([profile?.close()])
  await Promise.allSettled([kafka?.close(), postgres?.close(), upstream?.close()])
}, 90_000)

const everywhere = (token: string): Promise<(number | string)[]> => Promise.all(profile.gateways.map((gateway) => through(gateway.url, token)))
const admitted = [200, 200]
const refusedEverywhere = (token: string, timeoutMs = 30_000): Promise<unknown> =>
  until(async () => (await everywhere(token)).every((answer) => answer === 'session.revoked'), { timeoutMs, what: 'both gateways to refuse' })
const person = (): string => `bob-${randomUUID()}`

test('kill -9 between commit and publish: after the restart the revocation reaches both gateways, once in effect (I2)', async () => {
  const { accessToken, session } = await plane.issue(person())
  expect(await everywhere(accessToken)).toEqual(admitted)
  // A broker that is gone, not one that hangs: what a hung one has in its socket it still stores when it wakes.
  await kafka.kill()
  const answer = await plane.revoke({ kind: 'session', id: session.id }, {}, '?wait=accepted')
  await profile.services.revocation.kill()
  await kafka.start()
  expect([answer.status, answer.body['state']]).toEqual([201, 'accepted'])
  const id = answer.body['id']
  expect(await everywhere(accessToken)).toEqual(admitted)
  await profile.services.revocation.start()
  await refusedEverywhere(accessToken)
  await until(async () => (await plane.revocation(String(id))).body['state'] === 'published', { timeoutMs: 15_000, what: 'the revocation to be published' })
}, 120_000)

test('Kafka stopped: a revocation is accepted within its timeout, and drains when Kafka is back', async () => {
  const { accessToken, session } = await plane.issue(person())
  await kafka.kill()
  const began = performance.now()
  const answer = await plane.revoke({ kind: 'session', id: session.id }, {}, '?timeoutMs=1000')
  expect([answer.status, answer.body['state']]).toEqual([202, 'accepted'])
  // The caller's own timeout, with room for a busy machine: what must not happen is waiting for Kafka.
  expect(performance.now() - began).toBeLessThan(5_000)
  await kafka.start()
  await refusedEverywhere(accessToken, 60_000)
  await until(async () => (await plane.revocation(String(answer.body['id']))).body['state'] === 'published', { timeoutMs: 30_000, what: 'the state to be published' })
}, 150_000)

test('Postgres stopped: 503 with Retry-After and nothing half done; afterwards everything works', async () => {
  const { accessToken, session } = await plane.issue(person())
  await postgres.kill()
  const answer = await plane.revoke({ kind: 'session', id: session.id })
  expect([answer.status, answer.body['code']]).toEqual([503, 'dependency.unavailable'])
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await everywhere(accessToken)).toEqual(admitted)
  await postgres.start()
  await until(async () => (await plane.revoke({ kind: 'session', id: session.id })).status === 201, { timeoutMs: 30_000, what: 'revocations to be taken again' })
  await refusedEverywhere(accessToken)
}, 120_000)

test('a signal produced while its service is dead takes effect once it is back', async () => {
  const sub = person()
  const { accessToken } = await plane.issue(sub)
  await profile.services.lifecycle.kill()
  const record = lifecycleRecord('offboarded', sub, new Date())
  await produceForeign(kafka.brokers.join(','), [record, record])
  await profile.services.lifecycle.start()
  await refusedEverywhere(accessToken, 60_000)
}, 120_000)

test('a gateway that is killed comes back knowing every revocation', async () => {
  const { accessToken, session } = await plane.issue(person())
  const gateway = profile.gateways[0]!
  await gateway.kill()
  await plane.revoke({ kind: 'session', id: session.id })
  await gateway.start()
  // Before it is ready it answers 503; it never answers 200.
  const answers = new Set<number | string>()
  await until(async () => {
    const answer = await through(gateway.url, accessToken)
    answers.add(answer)
    return answer === 'session.revoked'
  }, { timeoutMs: 30_000, what: 'the gateway to refuse' })
  answers.delete('gateway.not_ready')
  expect([...answers]).toEqual(['session.revoked'])
}, 60_000)

test('two instances of the revocation service: either may die, and each publishes what the other accepted', async () => {
  const second = await profile.addInstance('revocation')
  await second.ready()
  const { accessToken, session } = await plane.issue(person())
  const other = new ControlPlane({
    session: profile.services.session.url, revocation: second.url, lifecycle: profile.services.lifecycle.url, audit: profile.services.audit.url, credentials: profile.credentials,
  })
  await kafka.kill()
  const answer = await other.revoke({ kind: 'session', id: session.id }, {}, '?wait=accepted')
  await second.kill()
  await kafka.start()
  expect(answer.status).toBe(201)
  await refusedEverywhere(accessToken)
}, 120_000)
