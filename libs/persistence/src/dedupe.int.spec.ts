import { tenantId } from '@curfew/kernel'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { Client, Pool } from 'pg'
import type { Database, Tx } from './database.js'
import { deferred } from './deferred.js'
import { LogDouble, opened, PublisherDouble, record } from './publisher-double.contract.js'
import { OutboxStore } from './outbox.store.js'
import { Purge } from './purge.adapter.js'

// The machine may be busy with other specs; conditions below have limits of their own.
jest.setTimeout(60_000)

const acme = tenantId('acme')
const globex = tenantId('globex')
let fresh: FreshDatabase
let admin: Client
let db: Database
const publisher = new PublisherDouble()

beforeAll(async () => {
  fresh = await freshDatabase()
  db = await opened(fresh.url, { publisher })
  admin = new Client({ connectionString: fresh.url })
  await admin.connect()
}, 60_000)
afterAll(async () => {
  await db.close()
  await admin.end()
  await fresh.drop()
})

describe('the inbox', () => {
  test('an event is taken in once per consumer; tenant, source and id tell events apart', async () => {
    const see = (tenant = acme, consumer = 'sessions', source = '/idp', id = 'e1'): Promise<boolean> => db.transact(tenant, (tx) => tx.firstSeen(consumer, source, id))
    expect(await see()).toBe(true)
    expect(await see()).toBe(false)
    expect([await see(globex), await see(acme, 'audit'), await see(acme, 'sessions', '/other'), await see(acme, 'sessions', '/idp', 'e2')]).toEqual([true, true, true, true])
    expect(await db.transactEverywhere((tx) => tx.firstSeen('sessions', '/idp', 'e1', acme))).toBe(false)
  })

  test('an event whose transaction failed was not taken in', async () => {
    await expect(db.transact(acme, async (tx) => {
      expect(await tx.firstSeen('sessions', '/idp', 'again')).toBe(true)
      throw new Error('handling failed')
    })).rejects.toThrow('handling failed')
    expect(await db.transact(acme, (tx) => tx.firstSeen('sessions', '/idp', 'again'))).toBe(true)
  })

  test('two deliveries at once: the second waits for the first, and takes it in only if the first failed', async () => {
    const outcomes = async (id: string, fail: boolean): Promise<boolean> => {
      const started = deferred<void>()
      const gate = deferred<void>()
      const first = db.transact(acme, async (tx) => {
        await tx.firstSeen('sessions', '/idp', id)
        started.resolve()
        await gate.promise
        if (fail) throw new Error('no')
      }).catch(() => undefined)
      await started.promise
      const second = db.transact(acme, (tx) => tx.firstSeen('sessions', '/idp', id))
      await waiting()
      gate.resolve()
      await first
      return second
    }
    expect(await outcomes('both 1', false)).toBe(false)
    expect(await outcomes('both 2', true)).toBe(true)
  })
})

/** Resolves when a transaction of ours waits for another. */
async function waiting(): Promise<void> {
  const blocked = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'curfew_session'`
  await until(async () => (await admin.query(blocked)).rowCount, { timeoutMs: 5000, what: 'one transaction to wait for the other' })
}

describe('an idempotency key', () => {
  const reserve = (tx: Tx, key: string, id: string, requestHash = 'h') => tx.reserve({ client: 'c', route: 'POST /v1/revocations', key, requestHash, id })

  test('keeps the id of its first request; a repetition gets that one', async () => {
    expect(await db.transact(acme, (tx) => reserve(tx, 'k1', 'id-1'))).toEqual({ id: 'id-1', repeated: false })
    expect(await db.transact(acme, (tx) => reserve(tx, 'k1', 'id-2'))).toEqual({ id: 'id-1', repeated: true })
    expect(await db.transact(globex, (tx) => reserve(tx, 'k1', 'id-3'))).toEqual({ id: 'id-3', repeated: false })
    expect(await db.transact(acme, (tx) => tx.reserve({ client: 'other', route: 'POST /v1/revocations', key: 'k1', requestHash: 'x', id: 'id-4' }))).toEqual({ id: 'id-4', repeated: false })
  })

  test('that comes with another request is refused', async () => {
    await db.transact(acme, (tx) => reserve(tx, 'k2', 'id-1'))
    await expect(db.transact(acme, (tx) => reserve(tx, 'k2', 'id-2', 'other body'))).rejects.toMatchObject({ code: 'idempotency.mismatch' })
  })

  test('that many use at once for the first time yields one id, known to all, and one effect', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => db.transact(acme, async (tx) => {
      const reservation = await reserve(tx, 'k3', `id-${i}`)
      if (!reservation.repeated) await tx.outbox(record(`effect of ${reservation.id}`))
      return reservation
    })))
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1)
    expect((await admin.query('SELECT FROM curfew_session.outbox WHERE convert_from(value, \'UTF8\') LIKE \'effect of%\'')).rowCount).toBe(1)
  })

  test('is free again when its first request did not commit; whoever waited gets it', async () => {
    const started = deferred<void>()
    const gate = deferred<void>()
    const first = db.transact(acme, async (tx) => {
      await reserve(tx, 'k4', 'id-1')
      started.resolve()
      await gate.promise
      throw new Error('no')
    }).catch(() => undefined)
    await started.promise
    const second = db.transact(acme, (tx) => reserve(tx, 'k4', 'id-2'))
    await waiting()
    gate.resolve()
    await first
    expect(await second).toEqual({ id: 'id-2', repeated: false })
  })

  test('stands for a day, and its text is nowhere in the table', async () => {
    await db.transact(acme, (tx) => reserve(tx, 'a very secret key', 'id-1'))
    await admin.query(`UPDATE curfew_session.idempotency SET reserved_at = now() - interval '23 hours'`)
    expect(await db.transact(acme, (tx) => reserve(tx, 'a very secret key', 'id-2'))).toEqual({ id: 'id-1', repeated: true })
    await admin.query(`UPDATE curfew_session.idempotency SET reserved_at = now() - interval '25 hours'`)
    expect(await db.transact(acme, (tx) => reserve(tx, 'a very secret key', 'id-3', 'other body'))).toEqual({ id: 'id-3', repeated: false })
    const { rows } = await admin.query('SELECT idempotency::text AS text FROM curfew_session.idempotency')
    expect(JSON.stringify(rows)).not.toContain('secret')
  })
})

test('what has served its time is purged, in chunks, and nothing else', async () => {
  await admin.query('TRUNCATE curfew_session.outbox, curfew_session.inbox, curfew_session.idempotency')
  await admin.query(`INSERT INTO curfew_session.outbox (id, tenant, topic, value, headers, created_at, published_at)
    SELECT gen_random_uuid(), 'acme', 't', '', '{}', now() - interval '2 hours', CASE WHEN n % 2 = 0 THEN now() - interval '61 minutes' WHEN n = 1 THEN now() - interval '59 minutes' END
    FROM generate_series(1, 2500) n`)
  await admin.query(`INSERT INTO curfew_session.inbox SELECT 'acme', 'c', 's', n::text, now() - make_interval(days => n) FROM generate_series(1, 20) n;
    INSERT INTO curfew_session.idempotency SELECT 'acme', convert_to(n::text, 'UTF8'), 'h', 'i', now() - make_interval(hours => n) FROM generate_series(1, 1500) n`)
  const pool = new Pool({ connectionString: fresh.url, options: '-c role=curfew_session -c search_path=curfew_session -c curfew.tenant=*' })
  const purge = new Purge(pool, new OutboxStore(pool), new LogDouble())
  await purge.run()
  await purge.close()
  await pool.end()
  const count = async (table: string): Promise<number> => Number((await admin.query(`SELECT count(*) FROM curfew_session.${table}`)).rows[0].count)
  expect([await count('outbox'), await count('inbox'), await count('idempotency')]).toEqual([1250, 13, 23])
})
