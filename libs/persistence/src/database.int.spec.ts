import { tenantId } from '@curfew/kernel'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import { EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm'
import type { Database } from './database.js'
import { opened, PublisherDouble, record } from './publisher-double.contract.js'
import { tenantTable } from './tenant-table.adapter.js'

// The machine may be busy with other specs; conditions below have limits of their own.
jest.setTimeout(60_000)

const acme = tenantId('acme')
const globex = tenantId('globex')

class Notes1700000000000 implements MigrationInterface {
  readonly name = 'Notes1700000000000'
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE note (tenant text NOT NULL, id integer NOT NULL, text text, PRIMARY KEY (tenant, id))')
    await tenantTable(runner, 'session', 'note')
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE note')
  }
}

interface Note { tenant: string; id: number; text: string | null }
const notes = new EntitySchema<Note>({
  name: 'note', tableName: 'note',
  columns: { tenant: { type: 'text', primary: true }, id: { type: 'integer', primary: true }, text: { type: 'text', nullable: true } },
})

let fresh: FreshDatabase
let db: Database
const publisher = new PublisherDouble()

beforeAll(async () => {
  fresh = await freshDatabase()
  db = await opened(fresh.url, { entities: [notes], migrations: [Notes1700000000000], publisher })
}, 60_000)
afterAll(async () => {
  await db.close()
  await fresh.drop()
})
beforeEach(() => db.transactEverywhere((tx) => tx.query('DELETE FROM note')))

async function asAdmin<Row>(sql: string, url = fresh.url): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}
const insert = 'INSERT INTO note (tenant, id, text) VALUES ($1, $2, $3)'
const asService = (sql: string): Promise<unknown[]> => db.transact(acme, (tx) => tx.query(sql))

describe('a reading of every tenant', () => {
  test('sees all of them in one statement, and leaves nothing set on the connection', async () => {
    for (const tenant of [acme, globex]) await db.transact(tenant, (tx) => tx.query(insert, [tenant, 1, 'x']))
    for (let n = 0; n < 12; n += 1) expect(await db.readEverywhere('SELECT tenant FROM note WHERE id = $1 ORDER BY 1', [1])).toEqual([{ tenant: 'acme' }, { tenant: 'globex' }])
    expect(await asService('SELECT tenant FROM note')).toEqual([{ tenant: 'acme' }])
  })

  test('that fails is reported as it failed, and the connections serve on', async () => {
    for (let n = 0; n < 12; n += 1) await expect(db.readEverywhere('SELECT 1 / $1::int', [0])).rejects.toThrow('division by zero')
    expect(await db.readEverywhere('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('a transaction', () => {
  test('keeps what its work wrote when the work resolves, and nothing when it throws', async () => {
    await db.transact(acme, (tx) => tx.query(insert, ['acme', 1, 'kept']))
    await expect(db.transact(acme, async (tx) => {
      await tx.query(insert, ['acme', 2, 'lost'])
      throw new Error('changed my mind')
    })).rejects.toThrow('changed my mind')
    expect(await db.transact(acme, (tx) => tx.query('SELECT text FROM note'))).toEqual([{ text: 'kept' }])
  })

  test('reads the primary\'s clock once, before its work', async () => {
    const before = await db.primaryNow()
    const now = await db.transact(acme, async (tx) => {
      await tx.query('SELECT pg_sleep(0.01)')
      return tx.now
    })
    const after = await db.primaryNow()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThan(after)
  })

  test('that went on after a statement failed is rolled back and says so', async () => {
    await expect(db.transact(acme, async (tx) => {
      await tx.query(insert, ['acme', 1, 'first'])
      await tx.query(insert, ['acme', 1, 'again']).catch(() => undefined)
    })).rejects.toThrow('rolled back')
    expect(await asService('SELECT * FROM note')).toEqual([])
  })

  test('answers a violated constraint as the driver\'s own error, for the caller to understand', async () => {
    await expect(db.transact(acme, (tx) => tx.query(insert, ['acme', null, 'x']))).rejects.toMatchObject({ code: '23502' })
  })

  test('sends statements that were not awaited in between in their order', async () => {
    const read = await db.transact(acme, async (tx) => {
      const [, rows] = await Promise.all([tx.query(insert, ['acme', 7, 'seen']), tx.query('SELECT text FROM note WHERE id = $1', [7])])
      return rows
    })
    expect(read).toEqual([{ text: 'seen' }])
  })

  test('lends its connection to nobody after its end', async () => {
    let kept: Parameters<Parameters<Database['transact']>[1]>[0] | undefined
    await db.transact(acme, async (tx) => {
      kept = tx
    })
    expect(() => kept?.query('SELECT 1')).toThrow('after its end')
    expect(() => kept?.manager).toThrow('after its end')
  })

  test('offers TypeORM\'s manager over its own connection and commit', async () => {
    await expect(db.transact(acme, async (tx) => {
      await tx.manager.save(notes, { tenant: 'acme', id: 1, text: 'by entity' })
      expect(await tx.query('SELECT text FROM note')).toEqual([{ text: 'by entity' }])
      throw new Error('not after all')
    })).rejects.toThrow('not after all')
    await db.transact(acme, async (tx) => {
      await tx.manager.save(notes, { tenant: 'acme', id: 2, text: 'kept' })
      await tx.manager.transaction((nested) => nested.save(notes, { tenant: 'acme', id: 3, text: 'nested' }))
      await tx.manager.transaction(async (nested) => {
        await nested.save(notes, { tenant: 'acme', id: 4, text: 'undone' })
        throw new Error('only the savepoint')
      }).catch(() => undefined)
    })
    expect(await db.transact(acme, (tx) => tx.manager.find(notes, { order: { id: 'ASC' } }))).toMatchObject([{ id: 2 }, { id: 3 }])
  })

  test('whose manager was kept cannot use it afterwards', async () => {
    const manager = await db.transact(acme, async (tx) => tx.manager)
    await expect(manager.query('SELECT 1')).rejects.toThrow(/released/i)
  })

  test('commits right behind its last statement, whose failure undoes everything', async () => {
    await db.transact(acme, (tx) => tx.lastly(() => tx.query(insert, ['acme', 1, 'kept'])))
    await expect(db.transact(acme, async (tx) => {
      await tx.query(insert, ['acme', 2, 'lost'])
      await tx.lastly(() => tx.query(insert, ['acme', 1, 'again']))
    })).rejects.toMatchObject({ code: '23505' })
    await expect(db.transact(acme, async (tx) => {
      await tx.query(insert, ['acme', 3, 'lost'])
      await tx.lastly(() => tx.outbox(record('x'.repeat(1_048_577))))
    })).rejects.toMatchObject({ code: 'record.too_large' })
    expect(await asService('SELECT id FROM note')).toEqual([{ id: 1 }])
  })

  test('that committed with its last statement stays so whatever fails later, and its outbox rows leave', async () => {
    await expect(db.transact(acme, async (tx) => {
      await tx.lastly(() => tx.outbox(record('the last word')))
      expect(() => tx.query('SELECT 1')).toThrow('after its end')
      throw new Error('too late')
    })).rejects.toThrow('too late')
    await until(() => publisher.values().includes('the last word'), { timeoutMs: 5000, what: 'the record' })
  })
})

describe('a tenant', () => {
  test('sees and changes its own rows only; without a tenant there is nothing', async () => {
    await db.transact(acme, (tx) => tx.query(insert, ['acme', 1, 'a']))
    await db.transact(globex, (tx) => tx.query(insert, ['globex', 1, 'g']))
    expect(await db.transact(acme, (tx) => tx.query('SELECT tenant FROM note'))).toEqual([{ tenant: 'acme' }])
    expect(await db.transact(acme, (tx) => tx.query(`UPDATE note SET text = 'mine' WHERE tenant = 'globex' RETURNING 1`))).toEqual([])
    expect(await db.transactEverywhere((tx) => tx.query('SELECT tenant FROM note ORDER BY 1'))).toEqual([{ tenant: 'acme' }, { tenant: 'globex' }])
    expect(await db.transact(acme, async (tx) => {
      await tx.query(`SELECT set_config('curfew.tenant', '', true)`)
      return tx.query('SELECT * FROM note')
    })).toEqual([])
  })

  test('cannot write a row of another one, nor of none', async () => {
    await expect(db.transact(acme, (tx) => tx.query(insert, ['globex', 2, 'theirs']))).rejects.toThrow('row-level security')
    await expect(db.transact(acme, async (tx) => {
      await tx.query(`SELECT set_config('curfew.tenant', '', true)`)
      await tx.query(insert, ['', 2, 'nobody'])
    })).rejects.toThrow('row-level security')
  })

  test('a session that never set a tenant sees nothing, whoever owns the table', async () => {
    await db.transact(acme, (tx) => tx.query(insert, ['acme', 1, 'a']))
    for (const role of ['curfew_session', 'curfew_session_owner']) {
      const client = new Client({ connectionString: fresh.url, options: `-c role=${role}` })
      await client.connect()
      expect((await client.query('SELECT * FROM curfew_session.note')).rows).toEqual([])
      await client.end()
    }
  })
})

describe('the working role', () => {
  test('is not the owner, and its sessions keep commits on the disk', async () => {
    const [row] = await asService(`SELECT current_user AS me, current_schema() AS schema, current_setting('synchronous_commit') AS durable,
      current_setting('application_name') AS name, (SELECT tableowner FROM pg_tables WHERE tablename = 'note' AND schemaname = 'curfew_session') AS owner`) as object[]
    expect(row).toEqual({ me: 'curfew_session', schema: 'curfew_session', durable: 'on', name: 'curfew_session', owner: 'curfew_session_owner' })
  })

  test.each([
    ['makes no table', 'CREATE TABLE mine (a int)'],
    ['makes no table in public', 'CREATE TABLE public.mine (a int)'],
    ['drops nothing', 'DROP TABLE note'],
    ['empties nothing at a stroke', 'TRUNCATE note'],
    ['switches no row security off', 'ALTER TABLE note DISABLE ROW LEVEL SECURITY'],
    ['forces none off', 'ALTER TABLE note NO FORCE ROW LEVEL SECURITY'],
    ['drops no policy', 'DROP POLICY tenant_isolation ON note'],
    ['rewrites no history of migrations', 'DELETE FROM migrations'],
    ['makes no role', 'CREATE ROLE mine'],
    ['makes no schema', 'CREATE SCHEMA mine'],
  ])('%s', async (_, statement) => {
    await expect(asService(statement)).rejects.toMatchObject({ code: '42501' })
  })

  test('reads no other service\'s schema', async () => {
    const other = await opened(fresh.url, { service: 'audit' })
    await expect(asService('SELECT * FROM curfew_audit.outbox')).rejects.toMatchObject({ code: '42501' })
    await expect(other.transact(acme, (tx) => tx.query('SELECT * FROM curfew_session.note'))).rejects.toMatchObject({ code: '42501' })
    await other.close()
  }, 20_000)
})

describe('opening', () => {
  test('by several services and instances at once, in several new databases, makes everything once', async () => {
    const places = await Promise.all([freshDatabase(), freshDatabase()])
    const services = [`a${Date.now() % 100_000}`, `b${Date.now() % 100_000}`]
    const all = await Promise.all(places.flatMap(({ url }) => [...services, ...services].map((service) => opened(url, { service, poolSize: 2 }))))
    for (const each of all) await each.ping()
    await Promise.all(all.map((each) => each.close()))
    await Promise.all(places.map((place) => place.drop()))
    for (const service of services) await asAdmin(`DROP ROLE curfew_${service}; DROP ROLE curfew_${service}_owner`)
  }, 60_000)

  test('again finds its migrations done', async () => {
    const again = await opened(fresh.url, { entities: [notes], migrations: [Notes1700000000000] })
    expect(await asAdmin('SELECT name FROM curfew_session.migrations ORDER BY id')).toEqual([{ name: 'PlatformTables1000000000000' }, { name: 'Notes1700000000000' }])
    await again.close()
  })

  test('needs no superuser: a login that may create roles and schemas is enough', async () => {
    const name = `admin_${Date.now()}`
    const place = await freshDatabase()
    const database = new URL(place.url).pathname.slice(1)
    await asAdmin(`CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD 'x'; GRANT CREATE ON DATABASE ${database} TO ${name}`)
    const url = new URL(place.url)
    url.username = name
    url.password = 'x'
    const service = `c${Date.now() % 100_000}`
    const first = await opened(url.href, { service })
    const second = await opened(url.href, { service })
    await second.transact(acme, (tx) => tx.outbox(record('from a plain login')))
    await first.close()
    await second.close()
    await place.drop()
    await asAdmin(`DROP ROLE curfew_${service}; DROP ROLE curfew_${service}_owner; DROP ROLE ${name}`)
  }, 30_000)

  test('a migration that fails leaves the schema as it was, and the next attempt goes on', async () => {
    const place = await freshDatabase()
    class Broken1700000000001 extends Notes1700000000000 {
      override readonly name = 'Broken1700000000001' as 'Notes1700000000000'
      override async up(runner: QueryRunner): Promise<void> {
        await runner.query('CREATE TABLE half (a int)')
        await runner.query('SELECT nothing FROM nowhere')
      }
    }
    await expect(opened(place.url, { migrations: [Broken1700000000001] })).rejects.toThrow('nowhere')
    expect(await asAdmin(`SELECT FROM pg_tables WHERE tablename = 'half'`, place.url)).toEqual([])
    await (await opened(place.url, { migrations: [Notes1700000000000] })).close()
    await place.drop()
  }, 30_000)
})
