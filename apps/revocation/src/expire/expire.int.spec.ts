import { freshDatabase, type FreshDatabase } from '@curfew/testing'
import type { Database } from '@curfew/persistence'
import { testPlatform } from '@curfew/service-kit/testing'
import { Client } from 'pg'
import { HandFeed } from '../hand-feed.contract.js'
import { ExpiryStore } from '../store/expiry.store.js'
import { openRevocationDatabase } from '../store/revocation-database.adapter.js'
import { ExpireRevocations } from './expire.handler.js'

let server: FreshDatabase
let database: Database
let sql: Client
const platform = testPlatform({ bus: new HandFeed() })

beforeAll(async () => {
  server = await freshDatabase()
  database = await openRevocationDatabase({ ...platform, databaseUrl: server.url }, platform.bus.publisher)
  sql = new Client({ connectionString: server.url })
  await sql.connect()
})
afterAll(async () => {
  await sql.end()
  await database.close()
  await server.drop()
})

const kept = async (pastMs: number, count: number): Promise<void> => void (await sql.query(`INSERT INTO curfew_revocation.revocations
    (tenant, id, kind, selector, selector_hash, cutoff, decided_at, forget_after, fingerprint, record)
  SELECT 'default', gen_random_uuid(), 'grant', n::text, sha256(n::text::bytea), 'infinity', clock_timestamp(), clock_timestamp() - $1::float8 * interval '1 millisecond', '', '{}'
  FROM generate_series(1, $2::integer) AS n`, [pastMs, count]))
const live = async (): Promise<number> => Number((await sql.query<{ n: string }>('SELECT count(*) AS n FROM curfew_revocation.revocations WHERE live')).rows[0]?.n)

test('what is past its time and the margin leaves the live set, however much it is, whoever does it; what is within the margin stays', async () => {
  await kept(3_700_000, 2_500)
  await kept(3_500_000, 3)
  const expiring = [1, 2].map(() => new ExpireRevocations(database, new ExpiryStore(), platform.log))
  const forgotten = await Promise.all(expiring.map((each) => each.expire()))
  const rest = await expiring[0]?.expire()
  expect([forgotten.reduce((sum, each) => sum + each, rest ?? 0), await live()]).toEqual([2_500, 3])
  const { rows } = await sql.query<{ n: string }>('SELECT count(*) AS n FROM curfew_revocation.revocations')
  expect(Number(rows[0]?.n)).toBe(2_503)
})

test('closed, it ends; never started, too', async () => {
  const expiring = new ExpireRevocations(database, new ExpiryStore(), platform.log)
  expiring.start()
  await expiring.close()
  await new ExpireRevocations(database, new ExpiryStore(), platform.log).close()
  expect(await live()).toBe(3)
})
