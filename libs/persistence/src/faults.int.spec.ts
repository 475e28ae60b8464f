import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tenantId } from '@curfew/kernel'
import { ownPostgres, until, type OwnPostgres } from '@curfew/testing'
import { Client } from 'pg'
import type { Database } from './database.js'
import { deferred } from './deferred.js'
import { LogDouble, opened, PublisherDouble, record } from './publisher-double.contract.js'

// The machine may be busy with other specs; conditions below have limits of their own.
jest.setTimeout(60_000)

const acme = tenantId('acme')
const unavailable = { code: 'dependency.unavailable', status: 503, retryAfterMs: 1000 }
let server: OwnPostgres
let admin: Client
let db: Database
const publisher = new PublisherDouble()
const log = new LogDouble()

const connected = async (): Promise<Client> => {
  const client = new Client({ connectionString: server.url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

beforeAll(async () => {
  server = await ownPostgres()
  db = await opened(server.url, { publisher, log, poolSize: 3, statementTimeoutMs: 2000 })
  admin = await connected()
  await admin.query('CREATE TABLE curfew_session.note (id integer PRIMARY KEY); GRANT SELECT, INSERT ON curfew_session.note TO curfew_session')
}, 90_000)
afterAll(async () => {
  await db.close()
  await admin.end().catch(() => undefined)
  await server.close()
}, 60_000)

const note = (id: number, on = db) => on.transact(acme, (tx) => tx.query('INSERT INTO note VALUES ($1)', [id]))
const noted = async (id: number): Promise<boolean> => (await admin.query('SELECT FROM curfew_session.note WHERE id = $1', [id])).rowCount === 1
const pid = (tx: { query(sql: string): Promise<unknown[]> }): Promise<number> => tx.query('SELECT pg_backend_pid() AS pid').then(([row]) => (row as { pid: number }).pid)

test('a session that an administrator ends in the middle says that the database is unavailable, and the next transaction works', async () => {
  await expect(db.transact(acme, async (tx) => {
    await tx.query('INSERT INTO note VALUES (1)')
    await admin.query('SELECT pg_terminate_backend($1)', [await pid(tx)])
    await tx.query('SELECT 1')
  })).rejects.toMatchObject(unavailable)
  await note(2)
  expect([await noted(1), await noted(2)]).toEqual([false, true])
})

test('a statement that takes too long is cancelled, and its connection is not used again', async () => {
  await expect(db.transact(acme, (tx) => tx.query('SELECT pg_sleep(60)'))).rejects.toMatchObject({ ...unavailable, cause: { code: '57014' } })
  await note(3)
})

test('whoever gets no connection within two seconds is told so, and those who have one go on', async () => {
  const gate = deferred<void>()
  const holders = [1, 2, 3].map(() => db.transact(acme, async (tx) => {
    await gate.promise
    return tx.query('SELECT 1')
  }))
  const from = performance.now()
  await expect(note(4)).rejects.toMatchObject(unavailable)
  expect(performance.now() - from).toBeLessThan(4000)
  // Clock readings and the relay have connections of their own.
  await db.primaryNow()
  gate.resolve()
  await Promise.all(holders)
  await note(4)
}, 15_000)

test('a server without room for another connection is unavailable, not a defect', async () => {
  const clients: Client[] = []
  try {
    for (;;) clients.push(await connected())
  } catch (error) {
    expect(error).toMatchObject({ code: '53300' })
  }
  await expect(opened(server.url, { service: 'audit' })).rejects.toMatchObject(unavailable)
  await Promise.all(clients.map((client) => client.end()))
}, 30_000)

test('two transactions in each other\'s way: one is told to try again', async () => {
  await Promise.all([note(10), note(11)])
  await admin.query('GRANT UPDATE ON curfew_session.note TO curfew_session')
  const both = [deferred<void>(), deferred<void>()]
  const run = (mine: number) => db.transact(acme, async (tx) => {
    await tx.query('SELECT FROM note WHERE id = $1 FOR UPDATE', [10 + mine])
    both[mine]?.resolve()
    await both[1 - mine]?.promise
    await tx.query('SELECT FROM note WHERE id = $1 FOR UPDATE', [11 - mine])
  })
  const outcomes = await Promise.allSettled([run(0), run(1)])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'service.overloaded' } })
}, 15_000)

/** Commits wait for a standby that never comes. */
async function standbyAway(): Promise<void> {
  await admin.query(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
  await admin.query('SELECT pg_reload_conf()')
  await until(async () => (await admin.query('SHOW synchronous_standby_names')).rows[0].synchronous_standby_names === 'nobody', { timeoutMs: 5000, what: 'the setting' })
}

async function cancelWaitingCommit(): Promise<void> {
  const { rows: [waiting] } = await until(async () => {
    const found = await admin.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'curfew_session'`)
    return found.rowCount ? found : undefined
  }, { timeoutMs: 5000, what: 'the commit to wait' })
  await admin.query('SELECT pg_cancel_backend($1)', [waiting?.pid])
}

async function standbyBack(note: () => Promise<unknown>): Promise<void> {
  await admin.query('ALTER SYSTEM RESET synchronous_standby_names')
  await admin.query('SELECT pg_reload_conf()')
  await until(() => note().then(() => true), { timeoutMs: 5000, what: 'commits to go on' })
}

test('a commit that stopped waiting for its standby counts as failed, although this server has it', async () => {
  await standbyAway()
  const failed = expect(db.transact(acme, async (tx) => {
    await tx.query('INSERT INTO note VALUES (20)')
    await tx.outbox(record('unreplicated'))
  })).rejects.toMatchObject(unavailable)
  await cancelWaitingCommit()
  await failed
  expect(await noted(20)).toBe(true)
  await standbyBack(() => note(21))
}, 20_000)

test('a repeat of what no standby has is no more done than the first was, and is told apart once they have it', async () => {
  const see = (): Promise<boolean> => db.transact(acme, (tx) => tx.firstSeen('sessions', '/idp', 'unreplicated'))
  await standbyAway()
  for (const delivery of ['the first', 'its repeat']) {
    const failed = expect(see().catch((error: unknown) => Promise.reject(Object.assign(error as Error, { delivery })))).rejects.toMatchObject({ ...unavailable, delivery })
    await cancelWaitingCommit()
    await failed
  }
  await standbyBack(() => note(22))
  expect(await see()).toBe(false)
}, 30_000)

describe('behind a network that fails', () => {
  let network: Network
  let far: Database
  beforeAll(async () => {
    network = await networkTo(server.url)
    far = await opened(network.url, { publisher, poolSize: 1, statementTimeoutMs: 500 })
  }, 30_000)
  afterAll(async () => {
    await far.close()
    await network.close()
  })

  test('a commit whose answer is lost is answered as unavailable: whether it took place is not known, and its records leave if it did', async () => {
    await expect(far.transact(acme, async (tx) => {
      await tx.query('INSERT INTO note VALUES (30)')
      await tx.outbox(record('outcome unknown'))
      network.holdAnswers()
      void until(() => noted(30), { timeoutMs: 5000, what: 'the commit' }).finally(() => network.cut())
    })).rejects.toMatchObject(unavailable)
    await until(() => publisher.values().includes('outcome unknown'), { timeoutMs: 5000, what: 'the sweeper' })
    await note(31, far)
  }, 20_000)

  test('a server that answers no more is given up after the time of a statement, and its connection with it', async () => {
    network.holdAnswers()
    const from = performance.now()
    await expect(note(32, far)).rejects.toMatchObject(unavailable)
    expect(performance.now() - from).toBeLessThan(6000)
    network.cut()
    await until(() => note(33, far).then(() => true), { timeoutMs: 5000, what: 'the network' })
  }, 20_000)
})

test('a killed server is unavailable, and everything goes on when it is back, with what was committed', async () => {
  publisher.onRequest = () => new Promise(() => undefined)
  await db.transact(acme, (tx) => tx.outbox(record('written before the crash')))
  await server.kill()
  await expect(note(40)).rejects.toMatchObject(unavailable)
  await expect(db.ping()).rejects.toMatchObject(unavailable)
  await expect(db.primaryNow()).rejects.toMatchObject(unavailable)
  await expect(db.publishPending()).rejects.toMatchObject(unavailable)
  await expect(opened(server.url)).rejects.toMatchObject(unavailable)
  publisher.onRequest = () => undefined
  await server.start()
  admin = await connected()
  await until(() => note(41).then(() => true), { timeoutMs: 10_000, what: 'transactions to work' })
  await db.ping()
  // The first request never comes back; what it held is given up after fifteen seconds, or taken by whoever sweeps first.
  const other = await opened(server.url, { publisher })
  await until(() => publisher.values().includes('written before the crash'), { timeoutMs: 10_000, what: 'the record' })
  await other.close()
}, 60_000)

test('an orderly restart under load loses nothing that was answered and answers nothing that was lost', async () => {
  const answered: number[] = []
  let isOver = false
  const load = (async () => {
    for (let id = 1000; !isOver; id++) await note(id).then(() => answered.push(id), (error: unknown) => expect(error).toMatchObject({ code: 'dependency.unavailable' }))
  })()
  await until(() => answered.length > 20, { timeoutMs: 5000, what: 'some load' })
  await admin.end().catch(() => undefined)
  await server.shutDown()
  await server.start()
  admin = await connected()
  const before = answered.length
  await until(() => answered.length > before + 20, { timeoutMs: 10_000, what: 'the load to go on' })
  isOver = true
  await load
  const { rows } = await admin.query<{ id: number }>('SELECT id FROM curfew_session.note WHERE id >= 1000')
  const kept = new Set(rows.map(({ id }) => id))
  expect(answered.filter((id) => !kept.has(id))).toEqual([])
}, 60_000)

interface Network {
  readonly url: string
  /** What is sent arrives; what is answered does not, until the connections are cut. */
  holdAnswers(): void
  cut(): void
  close(): Promise<void>
}

/** A road to the server that can break in one direction. */
async function networkTo(url: string): Promise<Network> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isHolding = false
  const road: Server = createServer((near) => {
    const there = connect(Number(target.port), target.hostname)
    for (const socket of [near, there]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => [near, there].forEach((each) => each.destroy()))
    }
    near.on('data', (data) => there.write(data))
    there.on('data', (data) => isHolding || near.write(data))
  })
  await new Promise<void>((resolve) => road.listen(0, '127.0.0.1', resolve))
  const address = new URL(url)
  address.port = String((road.address() as AddressInfo).port)
  const cut = (): void => {
    isHolding = false
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: address.href, cut, holdAnswers: () => void (isHolding = true),
    close: () => new Promise((resolve) => {
      cut()
      road.close(() => resolve())
    }),
  }
}
