import { encodeEvent, type OutgoingRecord } from '@curfew/bus'
import { events, type AuditEvent, type EventSpec } from '@curfew/contracts'
import { handFeedKey, type HandBus } from '@curfew/service-kit/testing'
import { freshDatabase, type FreshDatabase } from '@curfew/testing'
import { randomUUID } from 'node:crypto'
import { runningService, type RunningService } from '../running-service.contract.js'

// With a real follower judging the records: the trail holds no decision that the control plane did not sign.
const plane = handFeedKey()
const stranger = handFeedKey()
let database: FreshDatabase
let service: RunningService
let bus: HandBus
beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ databaseUrl: database.url, authenticityOf: plane.authenticityOf })
  bus = service.platform.bus as HandBus
})
afterAll(async () => {
  await service.services.close()
  await Promise.all([plane.close(), stranger.close()])
  await database.drop()
})

const at = '2026-11-23T20:15:04.000Z'
const said = { tenant: 'default', forgetAfter: at, initiator: { kind: 'client', id: 'ops' }, reason: { code: 'test' } } as const
const record = <T>(id: string, spec: EventSpec<T>, data: T): OutgoingRecord => encodeEvent(spec, 'k', { id, source: 'urn:curfew:revocation', tenant: 'default' }, data)
const decision = (id: string) => record(id, events.revocationDecided, { ...said, id: randomUUID(), scope: { kind: 'subject', issuer: 'https://idp.test', sub: 'alice' }, cutoff: at, except: [], decidedAt: at })
const hold = (id: string) => record(id, events.quarantineChanged, { ...said, agentId: 'bot', version: 1, quarantined: true })
const mark = (id: string) => record(id, events.watermarkAdvanced, { at, partitions: 3 })

const parked = () => bus.published.splice(0).filter(({ topic }) => topic === 'curfew.revocations.parked.v1').map(({ headers }) => headers['curfew-parked-reason'])
const recorded = async (): Promise<string[]> => {
  const { body } = await service.get<{ items: AuditEvent[] }>('/v1/audit/events?limit=500', await service.platform.token('audit:read'))
  return body.items.map(({ source }) => source.eventId).sort()
}

const forgeries: [string, (record: OutgoingRecord) => OutgoingRecord][] = [
  ['unsigned', (one) => one],
  ['with something else for a signature', (one) => ({ ...one, headers: { ...one.headers, 'curfew-signature': 'x' } })],
  ['signed by a stranger under the name of our key', (one) => stranger.signed(one)],
  ['with another value than was signed', (one) => ({ ...plane.signed(one), value: Buffer.from(String(one.value).replace('20:15:04', '20:15:05')) })],
]

test.each(forgeries)('decisions, holds and watermarks %s are no rows of the trail, and are parked', async (_how, forged) => {
  for (const one of [decision('f1'), hold('f2'), mark('f3')]) await bus.hand(forged(one))
  expect([parked(), await recorded()]).toEqual([Array(3).fill('event.not_authentic'), []])
})

test('other topics are not the control plane\'s alone: their records need no signature', async () => {
  await bus.hand(encodeEvent(events.signal, 'k', { id: 's1', source: 'urn:hr', tenant: 'default' }, { subject: { sub: 'alice' }, occurredAt: at }, 'curfew.lifecycle.offboarded'))
  expect([parked(), await recorded()]).toEqual([[], ['s1']])
})

test('the same records with the control plane\'s signature are its rows', async () => {
  for (const one of [decision('a1'), hold('a2'), mark('a3')]) await bus.hand(plane.signed(one))
  expect([parked(), await recorded()]).toEqual([[], ['a1', 'a2', 's1']])
})
