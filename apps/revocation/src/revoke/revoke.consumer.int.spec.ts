import { decodeEvent, encodeEvent, eventKey, type OutgoingRecord } from '@curfew/bus'
import { events, type QuarantineRecord, type Revocation, type RevocationCommand } from '@curfew/contracts'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { HandFeed } from '../hand-feed.contract.js'
import { revocationsOn, runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
let second: RunningService
let reader: string
const feed = new HandFeed()

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus: feed, databaseUrl: database.url })
  second = await runningService({ bus: feed, databaseUrl: database.url }, service.platform)
  reader = await service.platform.token('revocations:read')
  await until(() => feed.groups.length === 2, { timeoutMs: 5_000, what: 'both consumers' })
})
afterAll(async () => {
  await Promise.all([service.services.close(), second.services.close()])
  await database.drop()
})

const command = (over: Partial<RevocationCommand> = {}): RevocationCommand => ({
  id: randomUUID(), scope: { kind: 'subject', sub: 'alice' }, except: ['kept'], reason: { code: 'offboarded' }, initiator: { kind: 'signal', id: 'hr' },
  cause: { kind: 'signal', source: 'https://hr.test', id: 'e-1' }, ...over,
})
const asked = (data: RevocationCommand, tenant = 'default'): OutgoingRecord =>
  encodeEvent(events.revocationRequested, eventKey(tenant, 'subject'), { id: randomUUID(), source: '/lifecycle', tenant }, data)
const show = (id: string, token = reader) => service.call<Revocation>(`/v1/revocations/${id}`, token)
/** What was parked, by why. */
const parked = (data: { id: string }): string[] => feed.published
  .filter(({ topic, value }) => topic.endsWith('.parked.v1') && value?.includes(data.id) === true).map(({ headers }) => headers['curfew-parked-reason'] ?? '')

test('a command becomes the revocation with its id, asked for by whom the command says', async () => {
  const data = command()
  await feed.hand(asked(data))
  expect((await show(data.id)).body).toMatchObject({
    id: data.id, scope: { kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' }, except: ['kept'], reason: data.reason, initiator: data.initiator, cause: data.cause,
  })
  await until(() => revocationsOn(feed.records).some(({ id }) => id === data.id), { timeoutMs: 5_000, what: 'it to be published' })
})

test('repeats, at once and at two instances, are one revocation with one cutoff', async () => {
  const data = command({ scope: { kind: 'client', clientId: 'web' } })
  await Promise.all(Array.from({ length: 5 }, () => feed.hand(asked(data))))
  await feed.hand(asked({ ...data, id: data.id.toUpperCase() }))
  await until(() => revocationsOn(feed.records).some(({ id }) => id === data.id), { timeoutMs: 5_000, what: 'it to be published' })
  expect(new Set(revocationsOn(feed.records).filter(({ id }) => id === data.id).map(({ cutoff }) => cutoff)).size).toBe(1)
  expect(parked(data)).toEqual([])
})

test('a repeat is done only when its own commit is durable: it locks what it rests on, so that commit waits for the standbys as the first did (I2)', async () => {
  const [data, hold] = [command(), { id: randomUUID(), agentId: 'repeated', quarantined: true, initiator: { kind: 'person' as const, id: 'owner' } }]
  const holding = encodeEvent(events.quarantineRequested, eventKey('default', 'agent'), { id: randomUUID(), source: '/session', tenant: 'default' }, hold)
  const admin = new Client({ connectionString: database.url })
  await admin.connect()
  const lockerOf = async (table: string, id: string): Promise<string | undefined> =>
    (await admin.query<{ xmax: string }>(`SELECT xmax::text FROM curfew_revocation.${table} WHERE id = $1`, [id])).rows[0]?.xmax
  const lockers = async (): Promise<unknown[]> => [await lockerOf('revocations', data.id), await lockerOf('quarantines', hold.id)]
  try {
    await feed.hand(asked(data))
    await feed.hand(holding)
    // Its mark writes the row anew.
    await until(async () => (await show(data.id)).body.state === 'published', { timeoutMs: 5_000, what: 'it to be marked' })
    const [revocationBy, holdBy] = await lockers()
    await feed.hand(asked(data))
    await feed.hand(holding)
    expect(await lockers()).toEqual([expect.not.stringMatching(`^(0|${revocationBy})$`), expect.not.stringMatching(`^(0|${holdBy})$`)])
  } finally {
    await admin.end()
  }
})

test('the same id with other content is parked, and changes nothing', async () => {
  const data = command()
  await feed.hand(asked(data))
  await feed.hand(asked({ ...data, scope: { kind: 'tenant' } }))
  await until(() => parked(data).includes('revocation.mismatch'), { timeoutMs: 5_000, what: 'it to be parked' })
  expect((await show(data.id)).body.scope).toMatchObject({ kind: 'subject' })
})

test('the same id in another tenant is that tenant\'s own revocation', async () => {
  const data = command()
  await feed.hand(asked(data))
  await feed.hand(asked({ ...data, scope: { kind: 'device', deviceId: 'd' } }, 'acme'))
  expect((await show(data.id)).body.scope).toMatchObject({ kind: 'subject' })
  expect((await show(data.id, await service.platform.token('revocations:read', { tenant: 'acme' }))).body).toMatchObject({ tenant: 'acme', scope: { kind: 'device' } })
})

test.each([
  ['a cutoff in the future', command({ scope: { kind: 'tenant', issuedBefore: '2200-01-01T00:00:00Z' } }), 'default', 'cutoff.in_future'],
  ['an absolute scope with exceptions', command({ scope: { kind: 'session', id: 's' } }), 'default', 'revocation.exceptions_on_absolute'],
  ['an unknown tenant', command(), 'nobody', 'tenant.unknown'],
  ['a key of every tenant', command({ scope: { kind: 'key', kid: 'k', everyTenant: true }, except: [] }), 'default', 'auth.scope'],
])('%s is parked with its reason, and the stream goes on', async (_, data, tenant, code) => {
  await feed.hand(asked(data, tenant))
  await until(() => parked(data).includes(code), { timeoutMs: 5_000, what: 'it to be parked' })
  expect((await show(data.id)).status).toBe(404)
  const next = command()
  await feed.hand(asked(next))
  expect((await show(next.id)).status).toBe(200)
})

describe('quarantine', () => {
  const held = (agentId: string, quarantined: boolean, id: string = randomUUID()) => ({ id, agentId, quarantined, initiator: { kind: 'person' as const, id: 'owner' } })
  const asking = (data: ReturnType<typeof held>): OutgoingRecord =>
    encodeEvent(events.quarantineRequested, eventKey('default', 'agent'), { id: randomUUID(), source: '/session', tenant: 'default' }, data)
  const flagsOf = (agentId: string): QuarantineRecord[] => feed.records.map((record) => decodeEvent(record))
    .filter(({ spec }) => spec === events.quarantineChanged).map(({ data }) => data as QuarantineRecord).filter((flag) => flag.agentId === agentId)

  test('a hold and its release come out with growing versions, and a repeat comes out no second time', async () => {
    const [hold, release] = [held('bot', true), held('bot', false)]
    await feed.hand(asking(hold))
    await feed.hand(asking(release))
    await Promise.all([feed.hand(asking(hold)), feed.hand(asking(release))])
    const flags = await until(() => flagsOf('bot').length >= 2 ? flagsOf('bot') : undefined, { timeoutMs: 5_000, what: 'both flags' })
    const versions = new Map(flags.map(({ quarantined, version }) => [quarantined, version]))
    expect(new Set(flags.map(({ version }) => version)).size).toBe(2)
    expect(versions.get(false)).toBeGreaterThan(versions.get(true) as number)
  })

  test('a held agent\'s own token is refused here, and works again after its release', async () => {
    const token = await service.platform.token('revocations:read', { agent_id: 'robot', kind: 'agent' })
    expect((await show(randomUUID(), token)).status).toBe(404)
    await feed.hand(asking(held('robot', true)))
    expect((await show(randomUUID(), token)).status).toBe(401)
    await feed.hand(asking(held('robot', false)))
    expect((await show(randomUUID(), token)).status).toBe(404)
  })
})
