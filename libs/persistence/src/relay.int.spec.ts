import type { OutgoingRecord } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import { tenantId } from '@curfew/kernel'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import type { Database } from './database.js'
import { LogDouble, opened, PublisherDouble, record } from './publisher-double.contract.js'

// The machine may be busy with other specs; conditions below have limits of their own.
jest.setTimeout(60_000)

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

describe('many records written at once', () => {
  const many = Array.from({ length: 1_200 }, (_, n) => record(`"${n}"\\`, { headers: { ce_tenant: 'acme', 'odd': '{a,"b",\\}' }, ...(n === 7 && { partition: 1, key: null }) }))

  test('are published as they were written, in their order, and each has its own ticket', async () => {
    const tickets = await db.transact(acme, (tx) => tx.outboxAll(many))
    const positions = await Promise.all(tickets.map(({ published }) => published))
    expect(publisher.acknowledged).toEqual(many)
    expect(new Set(positions.map(({ offset }) => offset)).size).toBe(many.length)
    await eventually(async () => (await unpublished()) === 0, 'the marks')
    expect((await rows()).map(({ id, tenant }) => [id, tenant])).toEqual(tickets.map(({ id }) => [id, 'acme']))
  })

  test('survive the process that wrote them', async () => {
    publisher.onRequest = away
    await db.transact(acme, (tx) => tx.outboxAll(many))
    await db.close()
    publisher = new PublisherDouble()
    db = await opened(fresh.url, { publisher })
    await eventually(() => publisher.acknowledged.length === many.length, 'the next process to publish them')
    expect(publisher.acknowledged).toEqual(many)
  }, 30_000)

  test('are refused together when one is too large, and nothing is written for none', async () => {
    expect(await db.transact(acme, (tx) => tx.outboxAll([]))).toEqual([])
    const huge = record('x'.repeat(2_000_000))
    await expect(db.transact(acme, (tx) => tx.outboxAll([record('small'), huge]))).rejects.toMatchObject({ code: 'record.too_large' })
    expect(await rows()).toEqual([])
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

describe('a row that cannot be published', () => {
  test('is kept with its problem and reported, and holds up nobody', async () => {
    publisher.onRequest = (records) => {
      if (records.some(({ value }) => String(value) === 'poison')) throw new Fault('record.too_large')
    }
    const [poison, ...others] = await db.transact(acme, (tx) => Promise.all(['poison', 'a', 'b'].map((value) => tx.outbox(record(value)))))
    await Promise.all(others.map(({ published }) => published))
    await send('later').then(({ published }) => published)
    await eventually(async () => (await rows()).filter(({ published_at }) => published_at).length === 3, 'the others to be marked')
    // Its problem is written by itself, after or before the marks of the others.
    const kept = async () => (await rows()).find(({ id }) => id === poison?.id)
    await eventually(async () => (await kept())?.problem !== null, 'its problem to be written')
    expect(await kept()).toMatchObject({ published_at: null, problem: expect.stringContaining('size limit') })
    await eventually(() => log.said('cannot be published') > 0, 'it to be reported')
    expect(db.relayCounts()).toMatchObject({ published: 3, down: [] })
    expect(db.relayCounts().refused).toBeGreaterThan(0)
    await expect(db.publishPending('curfew.sessions.v1')).rejects.toMatchObject({ code: 'dependency.unavailable' })
    expect(await db.publishPending('curfew.revocations.v1')).toBe(0)
  })

  test('is published when it can be, without anybody asking', async () => {
    publisher.onRequest = () => {
      throw new Fault('record.too_large')
    }
    const ticket = await send('now too large')
    await eventually(() => db.relayCounts().refused > 0, 'the refusal')
    publisher.onRequest = () => undefined
    expect(await ticket.published).toMatchObject({ topicId: 'topic-1' })
  }, 15_000)

  test('of a topic that is not there keeps no other topic waiting', async () => {
    publisher.onRequest = (records) => {
      if (records.some(({ topic }) => topic === 'curfew.unknown.v1')) throw new Fault('topic.unknown')
    }
    await send('lost', { topic: 'curfew.unknown.v1' })
    await eventually(() => db.relayCounts().down.length > 0, 'the report')
    await send('fine').then(({ published }) => published)
    expect(db.relayCounts().down).toEqual(['curfew.unknown.v1'])
    publisher.onRequest = () => undefined
    await eventually(async () => (await unpublished()) === 0, 'both marks')
  }, 15_000)

  test('because of its size never gets into the outbox', async () => {
    await expect(send('x'.repeat(1_048_577))).rejects.toMatchObject({ code: 'record.too_large', status: 422 })
    await expect(send('x', { key: 'k'.repeat(70_000) })).rejects.toMatchObject({ code: 'record.too_large' })
    expect(await rows()).toEqual([])
  })
})

test('rows from before the primary\'s clock was set back are swept like any others', async () => {
  publisher.onRequest = away
  const tickets = await Promise.all(['made in the future', 'put off into it'].map((value) => send(value)))
  await eventually(() => db.relayCounts().left === 2, 'both to be left to the sweeper')
  const step = `clock_timestamp() + interval '1 hour'`
  await admin.query(`UPDATE curfew_session.outbox SET created_at = ${step} WHERE id = $1`, [tickets[0]?.id])
  await admin.query(`UPDATE curfew_session.outbox SET retry_at = ${step} WHERE id = $1`, [tickets[1]?.id])
  publisher.onRequest = () => undefined
  await Promise.all(tickets.map(({ published }) => published))
  await eventually(async () => (await unpublished()) === 0, 'both marks')
}, 15_000)

describe('order', () => {
  test('rows of one key leave in the order of their commits, one request after the other; other keys do not wait', async () => {
    const gate: (() => void)[] = []
    publisher.onRequest = (records) => (String(records[0]?.value).startsWith('slow') ? new Promise((resolve) => gate.push(resolve)) : undefined)
    await send('slow 1', { key: 'k' })
    await send('slow 2', { key: 'k' })
    await send('slow 3', { key: 'k' })
    await send('other').then(({ published }) => published)
    expect(publisher.values()).toEqual(['other'])
    gate.shift()?.()
    await eventually(() => gate.length === 1, 'the next request')
    gate.shift()?.()
    await eventually(() => publisher.acknowledged.length === 4, 'all')
    expect(publisher.values()).toEqual(['other', 'slow 1', 'slow 2', 'slow 3'])
  })
})

describe('several instances', () => {
  test('a row whose instance died between commit and publication is published by another, once', async () => {
    const dying = new PublisherDouble()
    dying.onRequest = () => new Promise(() => undefined)
    const first = await opened(fresh.url, { publisher: dying })
    await first.transact(acme, (tx) => tx.outbox(record('orphan')))
    await eventually(async () => (await unpublished()) === 0, 'the other instance to publish it')
    expect(publisher.values()).toEqual(['orphan'])
    expect(dying.acknowledged).toEqual([])
    await first.close()
  }, 30_000)

  test('two sweepers share a backlog: every row leaves once', async () => {
    publisher.onRequest = away
    await send('first')
    const many = Array.from({ length: 300 }, (_, i) => i)
    await admin.query(`INSERT INTO curfew_session.outbox (id, tenant, topic, key, value, headers, created_at)
      SELECT gen_random_uuid(), 'acme', 'curfew.sessions.v1', n::text, convert_to(n::text, 'UTF8'), '{}', now() - interval '5 seconds' FROM unnest($1::int[]) n`, [many])
    const second = new PublisherDouble()
    const other = await opened(fresh.url, { publisher: second })
    publisher.onRequest = () => new Promise((resolve) => setImmediate(resolve))
    await eventually(async () => (await unpublished()) === 0, 'the backlog')
    const all = [...publisher.values(), ...second.values()].filter((value) => value !== 'first')
    expect(all.map(Number).sort((a, b) => a - b)).toEqual(many)
    await other.close()
  }, 30_000)

  test('publishPending publishes what another instance has committed and not published, whatever that one is doing', async () => {
    const stuck = new PublisherDouble()
    let release = (): void => undefined
    stuck.onRequest = () => new Promise((resolve) => (release = resolve))
    const other = await opened(fresh.url, { publisher: stuck })
    await other.transact(acme, (tx) => tx.outbox(record('theirs')))
    await db.publishPending()
    expect(publisher.values()).toContain('theirs')
    release()
    await other.close()
  }, 15_000)
})

describe('publishPending', () => {
  test('resolves only after what was committed before it is acknowledged, joining what is on its way already', async () => {
    let acknowledge = (): void => undefined
    publisher.onRequest = () => new Promise((resolve) => (acknowledge = resolve))
    await send('on its way')
    let isDone = false
    const pending = db.publishPending('curfew.sessions.v1').then((count) => {
      isDone = true
      return count
    })
    await db.ping()
    await db.ping()
    expect(isDone).toBe(false)
    acknowledge()
    expect(await pending).toBe(0)
    expect(publisher.values()).toEqual(['on its way'])
  })

  test('goes through a backlog of many pages', async () => {
    await admin.query(`INSERT INTO curfew_session.outbox (id, tenant, topic, key, value, headers, created_at)
      SELECT gen_random_uuid(), 'acme', 'curfew.sessions.v1', n::text, convert_to(n::text, 'UTF8'), '{}', now() + interval '1 hour' FROM generate_series(1, 2345) n`)
    expect(await db.publishPending()).toBe(2345)
    expect(new Set(publisher.values()).size).toBe(2345)
    await eventually(async () => (await unpublished()) === 0, 'the marks')
    expect(await db.publishPending()).toBe(0)
  }, 20_000)
})

test('what was published to a topic that was then recreated is published to the new one', async () => {
  await send('before').then(({ published }) => published)
  await eventually(async () => (await unpublished()) === 0, 'the mark')
  await eventually(async () => (await admin.query('SELECT FROM curfew_session.outbox_topic')).rowCount === 1, 'the incarnation to be noted')
  publisher.topicId = 'topic-2'
  await send('after').then(({ published }) => published)
  await eventually(() => publisher.values().filter((value) => value === 'before').length === 2, 'the repetition')
  await eventually(async () => (await rows()).every(({ topic_id }) => topic_id === 'topic-2'), 'the marks')
}, 15_000)

test('memory is bounded: rows beyond the limit are the sweeper\'s, and none is lost', async () => {
  let acknowledge: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (acknowledge = resolve))
  publisher.onRequest = () => gate
  const large = 'x'.repeat(1_000_000)
  for (let i = 0; i < 70; i++) await send(`${i} ${large}`, { key: `${i}`, headers: {} })
  expect(db.relayCounts().left).toBeGreaterThan(0)
  expect(db.relayCounts().waiting).toBeLessThan(70)
  acknowledge()
  await eventually(async () => (await db.outboxBacklog()).rows === 0, 'the drain')
  expect(new Set(publisher.values().map((value) => value.split(' ')[0])).size).toBe(70)
}, 60_000)

describe('closing', () => {
  test('waits for acknowledgements on their way, and for their marks', async () => {
    let acknowledge = (): void => undefined
    publisher.onRequest = () => new Promise((resolve) => (acknowledge = resolve))
    await send('last')
    const closing = db.close()
    acknowledge()
    await closing
    expect(await unpublished()).toBe(0)
  })

  test('does not wait for ever, and what was on its way is published by the next process', async () => {
    publisher.onRequest = () => new Promise(() => undefined)
    await send('left behind')
    await db.close()
    expect(await unpublished()).toBe(1)
    publisher = new PublisherDouble()
    db = await opened(fresh.url, { publisher })
    await eventually(() => publisher.values().includes('left behind'), 'the next process to publish it')
  }, 30_000)
})

describe('a store\'s statement and its outbox row in one', () => {
  beforeAll(async () => {
    const first = await opened(fresh.url)
    await first.close()
    await admin.query(`CREATE TABLE curfew_session.feed_topic (name text PRIMARY KEY, partitions integer NOT NULL);
      CREATE TABLE curfew_session.decision (id integer PRIMARY KEY);
      INSERT INTO curfew_session.feed_topic VALUES ('feed', 3);
      GRANT SELECT, INSERT, UPDATE ON curfew_session.feed_topic, curfew_session.decision TO curfew_session`)
  })
  const decide = (id: number, hash: number) => ({
    with: `feed AS (SELECT partitions FROM feed_topic WHERE name = 'feed' FOR SHARE),
      decided AS (INSERT INTO decision (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id)`,
    parameters: [id, hash], record: record(`decision ${id}`), partition: '(SELECT $2::int % partitions FROM feed)', from: 'decided',
    returning: '(SELECT id FROM decided) AS id, (SELECT partitions FROM feed) AS partitions',
  })

  test('the partition is worked out under the lock on the row that holds their number', async () => {
    const { row, ticket } = await db.transact(acme, (tx) => tx.lastly(() => tx.queryWithOutbox(decide(1, 101))))
    expect(row).toEqual({ id: 1, partitions: 3 })
    expect(await ticket?.published).toMatchObject({ partition: 2 })
    expect(publisher.acknowledged).toEqual([{ ...record('decision 1'), partition: 2 }])
    let raised: Promise<unknown> | undefined
    await db.transact(acme, async (tx) => {
      await tx.queryWithOutbox(decide(2, 1))
      raised = admin.query('UPDATE curfew_session.feed_topic SET partitions = 4')
      await eventually(async () => (await db.transactEverywhere((look) => look.query('SELECT FROM pg_locks WHERE NOT granted'))).length > 0, 'the change to wait')
    })
    await raised
    expect((await db.transact(acme, (tx) => tx.queryWithOutbox(decide(3, 7)))).row).toEqual({ id: 3, partitions: 4 })
  })

  test('no row, no record: what changed nothing is not told', async () => {
    const { row, ticket } = await db.transact(acme, (tx) => tx.queryWithOutbox(decide(1, 101)))
    expect(row).toEqual({ id: null, partitions: 4 })
    expect(ticket).toBeUndefined()
    expect(await rows()).toEqual([])
  })

  test('of a deployment as a whole carries the tenant that the record names', async () => {
    await db.transactEverywhere(async (tx) => {
      await tx.outbox(record('named', { headers: { ce_tenant: 'globex' } }))
      await tx.outbox(record('nobody\'s'))
    })
    expect((await rows()).map(({ tenant }) => tenant)).toEqual(['globex', '*'])
  })
})
