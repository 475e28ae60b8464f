import type { OutgoingRecord } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import { tenantId } from '@curfew/kernel'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import type { Database } from './database.js'
import { LogDouble, opened, PublisherDouble, record } from './publisher-double.contract.js'

const acme = tenantId('acme')
let fresh: FreshDatabase
let admin: Client
let publisher: PublisherDouble
let log: LogDouble
let db: Database

beforeAll(async () => {
  fresh = await freshDatabase()
  admin = new Client({ connectionString: fresh.url })
  await admin.connect()
}, 60_000)
afterAll(async () => {
  await admin.end()
  await fresh.drop()
})
beforeEach(async () => {
  publisher = new PublisherDouble()
  log = new LogDouble()
  db = await opened(fresh.url, { publisher, log })
  await admin.query('TRUNCATE curfew_session.outbox, curfew_session.outbox_topic')
})
afterEach(() => db.close())

interface Row { id: string; published_at: Date | null; topic_id: string; leader_epoch: number; log_offset: string; partition: number; tenant: string; attempts: number; problem: string | null }
const rows = async (): Promise<Row[]> => (await admin.query<Row>('SELECT * FROM curfew_session.outbox ORDER BY id')).rows
const unpublished = async (): Promise<number> => (await rows()).filter(({ published_at }) => !published_at).length
const send = (value: string, more: Partial<OutgoingRecord> = {}) => db.transact(acme, (tx) => tx.outbox(record(value, more)))
const eventually = (condition: () => boolean | Promise<boolean>, what: string): Promise<unknown> => until(condition, { timeoutMs: 10_000, what })
const away = (): never => {
  throw new Fault('dependency.unavailable', { detail: 'no broker' })
}

describe('after the commit', () => {
  test('a record is published at once, and its row gets its position and an instant read after the commit', async () => {
    const before = await db.primaryNow()
    const ticket = await send('one')
    expect(await ticket.published).toEqual({ topic: 'curfew.sessions.v1', topicId: 'topic-1', partition: 0, leaderEpoch: 3, offset: 0n })
    await eventually(async () => (await unpublished()) === 0, 'the mark')
    const [row] = await rows()
    expect(row).toMatchObject({ id: ticket.id, tenant: 'acme', topic_id: 'topic-1', leader_epoch: 3, log_offset: '0', partition: 0 })
    expect(row?.published_at?.getTime()).toBeGreaterThanOrEqual(before)
    expect(publisher.acknowledged).toEqual([record('one')])
    expect(publisher.requests).toBe(1)
  })

  test('nothing leaves of a transaction that did not commit', async () => {
    await expect(db.transact(acme, async (tx) => {
      await tx.outbox(record('never'))
      throw new Error('no')
    })).rejects.toThrow('no')
    await send('after')
    await eventually(() => publisher.acknowledged.length > 0, 'the other record')
    expect(publisher.values()).toEqual(['after'])
  })
})

describe('while a topic is away', () => {
  test('commits go on, tickets stay open, and everything drains when it returns', async () => {
    publisher.onRequest = away
    const tickets = await Promise.all(['a', 'b', 'c'].map((value) => send(value)))
    await eventually(() => log.said('takes no records') === 1, 'the report')
    await expect(db.publishPending()).rejects.toMatchObject({ code: 'dependency.unavailable' })
    expect(db.relayCounts()).toMatchObject({ published: 0, down: ['curfew.sessions.v1'] })
    publisher.onRequest = () => undefined
    await Promise.all(tickets.map(({ published }) => published))
    await eventually(async () => (await unpublished()) === 0, 'the marks')
    expect(log.said('takes records again')).toBe(1)
    expect(db.relayCounts()).toMatchObject({ refused: 0, down: [] })
  }, 20_000)
})
