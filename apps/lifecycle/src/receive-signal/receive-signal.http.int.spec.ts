import { decodeEvent } from '@curfew/bus'
import { events, topics, type ProblemDocument, type RevocationCommand, type Signal } from '@curfew/contracts'
import { HandBus } from '@curfew/service-kit/testing'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
const bus = new HandBus()
let publisher: string
let reader: string

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus, databaseUrl: database.url })
  publisher = await service.platform.token('lifecycle:publish')
  reader = await service.platform.token('audit:read')
})
afterAll(async () => {
  await service.services.close()
  await database.drop()
})

interface Items {
  readonly items: { readonly id: string; readonly state: string }[]
}
interface Page {
  readonly items: Signal[]
  readonly nextCursor: string | null
}

let last = 0
const fresh = (): string => `e-${(last += 1)}`
const signal = (over: object = {}, data: object = {}) => ({
  specversion: '1.0', id: fresh(), source: 'https://idp.test', type: 'curfew.lifecycle.offboarded',
  data: { subject: { sub: 'alice' }, occurredAt: '2026-11-23T20:15:04.123Z', ...data }, ...over,
})
const send = <T = Items>(body: unknown, token = publisher, headers?: Record<string, string>) => service.post<T>('/v1/lifecycle-signals', body, token, headers)
const show = (id: string, token = reader) => service.get<Signal>(`/v1/lifecycle-signals/${id}`, token)
const list = (query = '', token = reader) => service.get<Page>(`/v1/lifecycle-signals${query}`, token)

/** Commands that were published for a signal. */
const commandsFor = (signalId: string): RevocationCommand[] => bus.published
  .filter(({ topic }) => topic === topics.revocationCommands.name)
  .map((record) => decodeEvent({ ...record, partition: 0, offset: 0n, timestamp: 0 }).data as RevocationCommand)
  .filter(({ cause }) => cause?.id === signalId)
const published = (signalId: string) => until(() => commandsFor(signalId).length > 0, { timeoutMs: 10_000, what: 'the command' })

test('a signal is kept verbatim, ends its subject and says which revocation it became', async () => {
  const event = signal({ id: 'first', traceid: 'kept-too', time: '2026-11-23T20:15:05Z' }, { details: { text: 'a\u0000b', big: 1e21 } })
  const answer = await send(event)
  expect(answer).toMatchObject({ status: 202, body: { items: [{ state: 'applied' }] } })
  await published('first')
  const [command] = commandsFor('first')
  expect(command).toMatchObject({
    scope: { kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' }, reason: { code: 'offboarded' },
    initiator: { kind: 'signal', id: 'https://idp.test' }, cause: { kind: 'signal', source: 'https://idp.test', id: 'first' },
  })
  const kept = await show(answer.body.items[0]?.id ?? '')
  expect(kept.body).toMatchObject({
    tenant: 'default', source: 'https://idp.test', signalId: 'first', kind: 'offboarded', subject: { issuer: 'https://curfew.test', sub: 'alice' },
    occurredAt: '2026-11-23T20:15:04.123Z', state: 'applied', verbatim: event, revocationIds: [command?.id], note: null,
  })
})

test('what came by HTTP is announced on the lifecycle topic, under its own source and id, for whoever reads signals there', async () => {
  const event = signal()
  await send(event)
  const announced = () => bus.published.find(({ topic, headers }) => topic === topics.lifecycle.name && headers.ce_id === event.id)
  await until(() => announced() !== undefined, { timeoutMs: 10_000, what: 'the announcement' })
  const record = announced()!
  expect(record.headers).toMatchObject({ ce_source: event.source, ce_type: event.type, ce_tenant: 'default' })
  // Our own consumer meets it again: a duplicate, without a second command.
  await bus.hand(record)
  expect(bus.published.some(({ topic }) => topic === 'curfew.lifecycle.parked.v1')).toBe(false)
  expect(commandsFor(event.id)).toHaveLength(1)
})

test('every media type of CloudEvents in JSON is taken, and no other', async () => {
  expect((await send(signal(), publisher, { 'content-type': 'application/cloudevents+json; charset=utf-8' })).status).toBe(202)
  expect((await send([signal(), signal()], publisher, { 'content-type': 'application/cloudevents-batch+json' })).body.items).toHaveLength(2)
  expect((await send(signal(), publisher, { 'content-type': 'text/plain' })).status).toBe(415)
})

test('a duplicate has no second effect, and another content under the same id is refused', async () => {
  const event = signal()
  const first = await send(event)
  await published(event.id)
  const again = await send(event)
  expect(again.body.items).toEqual([{ id: first.body.items[0]?.id, state: 'duplicate' }])
  const other = await send<ProblemDocument>({ ...event, data: { ...event.data, subject: { sub: 'bob' } } })
  expect(other).toMatchObject({ status: 422, body: { code: 'signal.mismatch' } })
  expect((await show(first.body.items[0]?.id ?? '')).body.subject.sub).toBe('alice')
  expect(commandsFor(event.id)).toHaveLength(1)
})

test('of many at once, one is applied and the others are duplicates', async () => {
  const event = signal()
  const states = (await Promise.all(Array.from({ length: 12 }, () => send(event)))).flatMap(({ body }) => body.items.map(({ state }) => state))
  expect(states.sort()).toEqual(['applied', ...Array.from({ length: 11 }, () => 'duplicate')])
  await published(event.id)
  expect(commandsFor(event.id)).toHaveLength(1)
})

test('a batch answers in the order it was sent, with a repeat inside it known for one', async () => {
  const [a, b] = [signal(), signal({ type: 'curfew.lifecycle.custom.badge_lost' })]
  expect((await send([a, b, a])).body.items.map(({ state }) => state)).toEqual(['applied', 'ignored', 'duplicate'])
})

test('a batch is taken whole or not at all, and names every signal that stands in its way', async () => {
  const taken = signal()
  await send(taken)
  const good = signal()
  const refused = await send<ProblemDocument>([good, signal({ type: 'curfew.lifecycle.device_lost' }), { ...taken, type: 'curfew.lifecycle.role_changed' }])
  expect(refused).toMatchObject({ status: 422, body: { code: 'signal.incomplete', errors: [{ pointer: '/1' }, { pointer: '/2' }] } })
  expect(refused.body.errors?.[1]?.message).toContain('signal.mismatch')
  expect((await send(good)).body.items[0]?.state).toBe('applied')
})

test('overlapping batches in opposite orders wait for each other and both are answered', async () => {
  const events = Array.from({ length: 40 }, () => signal())
  const answers = await Promise.all([send(events), send([...events].reverse()), send(events), send([...events].reverse())])
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202])
  const applied = answers.flatMap(({ body }) => body.items).filter(({ state }) => state === 'applied')
  expect(new Set(applied.map(({ id }) => id)).size).toBe(40)
  expect(applied).toHaveLength(40)
})

test('under an idempotency key a repeat is answered as the first request was, and another request is refused and leaves nothing', async () => {
  const known = signal()
  await send(known)
  const batch = [signal(), known, signal({ type: 'curfew.lifecycle.custom.seen' })]
  const headers = { 'idempotency-key': fresh() }
  const answers = await Promise.all([send(batch, publisher, headers), send(batch, publisher, headers), send(batch, publisher, headers)])
  expect(answers[0].body.items.map(({ state }) => state)).toEqual(['applied', 'duplicate', 'ignored'])
  expect(answers.map(({ body }) => body)).toEqual([answers[0].body, answers[0].body, answers[0].body])
  const other = signal()
  expect(await send<ProblemDocument>(other, publisher, headers)).toMatchObject({ status: 422, body: { code: 'idempotency.mismatch' } })
  expect((await send(other)).body.items[0]?.state).toBe('applied')
})

test('what no signal can be is refused with a pointer to it', async () => {
  const wrong = async (body: unknown) => {
    const { status, body: problem } = await send<ProblemDocument>(body)
    return [status, problem.code, problem.errors?.[0]?.pointer]
  }
  expect(await wrong(signal({ specversion: '0.3' }))).toEqual([400, 'request.invalid', '/specversion'])
  expect(await wrong(signal({ type: 'curfew.lifecycle.unheard_of' }))).toEqual([400, 'request.invalid', '/type'])
  expect(await wrong([signal(), signal({}, { occurredAt: 'yesterday' })])).toEqual([400, 'request.invalid', '/1/data/occurredAt'])
  expect(await wrong(signal({}, { extra: 1 }))).toEqual([400, 'request.invalid', '/data/extra'])
  expect((await wrong('[]'))[0]).toBe(400)
  expect((await wrong('not JSON'))[0]).toBe(400)
  expect(await wrong(signal({ type: 'curfew.lifecycle.agent_disabled' }))).toEqual([422, 'signal.incomplete', undefined])
})

test('tenants are apart: nobody sees another\'s signals or speaks for it, and one id in two tenants is two signals', async () => {
  const [theirs, theirReader] = await Promise.all([service.platform.token('lifecycle:publish', { tenant: 'acme' }), service.platform.token('audit:read', { tenant: 'acme' })])
  const event = signal({ id: 'shared' }, { subject: { sub: 'carol' } })
  const [ours, other] = [await send(event), await send(event, theirs)]
  expect([ours.body.items[0]?.state, other.body.items[0]?.state]).toEqual(['applied', 'applied'])
  const id = other.body.items[0]?.id ?? ''
  expect((await show(id, theirReader)).body).toMatchObject({ tenant: 'acme', signalId: 'shared' })
  expect((await show(id)).status).toBe(404)
  expect((await list('?sub=carol', theirReader)).body.items.map(({ tenant }) => tenant)).toEqual(['acme'])
  expect(await send<ProblemDocument>(signal({ tenant: 'acme' }))).toMatchObject({ status: 404, body: { code: 'tenant.unknown' } })
  expect((await send(signal({ tenant: 'default' }))).status).toBe(202)
})

test('publishing and reading each need their scope', async () => {
  expect((await send(signal(), reader)).status).toBe(403)
  expect((await list('', publisher)).status).toBe(403)
})

test('a list is newest first, and its pages show everything once while more comes in', async () => {
  const events = Array.from({ length: 11 }, () => signal({}, { subject: { sub: 'dave' } }))
  for (const event of events) await send(event)
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Page = (await list(`?sub=dave&limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)).body
    seen.push(...page.items.map(({ signalId }) => signalId))
    cursor = page.nextCursor
    await send(signal({}, { subject: { sub: 'dave' } }))
  }
  expect(seen).toEqual(events.map(({ id }) => id).reverse())
})

test('a list is narrowed by kind; a cursor of another list and an unknown id are refused', async () => {
  await send(signal({ type: 'curfew.lifecycle.custom.seen_once' }))
  expect((await list('?kind=custom.seen_once')).body.items).toHaveLength(1)
  const { nextCursor } = (await list('?limit=1')).body
  expect((await list(`?limit=1&kind=offboarded&cursor=${encodeURIComponent(nextCursor ?? '')}`)).status).toBe(400)
  expect((await list('?cursor=made-up')).status).toBe(400)
  for (const id of ['00000000-0000-5000-8000-000000000000', 'first', '%00']) expect((await show(id)).status).toBeGreaterThanOrEqual(400)
  expect(await show('first')).toMatchObject({ status: 404, body: { code: 'signal.unknown' } })
})

test('a sender\'s clock is believed up to our own, and absurd instants are kept and shown', async () => {
  const ahead = await send(signal({ id: 'ahead', type: 'curfew.lifecycle.password_reset' }, { occurredAt: '9999-12-31T23:59:59.999Z' }))
  await published('ahead')
  const kept = (await show(ahead.body.items[0]?.id ?? '')).body
  expect([kept.occurredAt, kept.note]).toEqual(['9999-12-31T23:59:59.999Z', expect.stringContaining('ahead of our clock')])
  expect(commandsFor('ahead')[0]?.scope).toMatchObject({ issuedBefore: kept.receivedAt })
  const early = await send(signal({ type: 'curfew.lifecycle.password_reset' }, { occurredAt: '0000-01-01T00:00:00.001Z' }))
  expect((await show(early.body.items[0]?.id ?? '')).body.occurredAt).toBe('0000-01-01T00:00:00.001Z')
})

test('the events that leave are those of the catalogue', () => {
  expect(new Set(bus.published.map(({ headers }) => headers.ce_type?.replace(/^curfew\.lifecycle\..*/, events.signal.type)))).toEqual(new Set([events.signal.type, events.revocationRequested.type]))
})
