import { Client } from 'pg'
import { accepts, freshDatabase, kafkaBrokers, ownKafka, ownPostgres, redisUrl, startProcess, topicPrefix } from './index.js'

const portOf = (address: string): number => Number(address.split(':').at(-1))

async function answer(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

test('the shared parts accept connections', async () => {
  const ports = [portOf(kafkaBrokers()[0] as string), portOf(redisUrl())]
  expect(await Promise.all(ports.map(accepts))).toEqual([true, true])
})

test('two databases do not see each other, and a dropped one is gone although a session was open', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
  await answer(one.url, 'CREATE TABLE only_here (id int)')
  await expect(answer(other.url, 'SELECT * FROM only_here')).rejects.toThrow('does not exist')
  const open = new Client({ connectionString: one.url })
  open.on('error', () => undefined)
  await open.connect()
  await Promise.all([one.drop(), other.drop()])
  await expect(answer(one.url, 'SELECT 1')).rejects.toThrow('does not exist')
})

test('topic prefixes differ', () => {
  expect(topicPrefix()).not.toBe(topicPrefix())
})

test('a PostgreSQL of one’s own comes back at its address with its rows after a kill', async () => {
  const postgres = await ownPostgres()
  try {
    await answer(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await postgres.kill()
    await expect(answer(postgres.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
    await postgres.start()
    expect(await answer(postgres.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  } finally {
    await postgres.close()
  }
}, 60_000)

test('a broker of one’s own leaves and comes back at its address', async () => {
  const kafka = await ownKafka()
  try {
    const port = portOf(kafka.brokers[0] as string)
    expect(await accepts(port)).toBe(true)
    await kafka.kill()
    expect(await accepts(port)).toBe(false)
    await kafka.start()
    expect(await accepts(port)).toBe(true)
  } finally {
    await kafka.close()
  }
}, 120_000)

test('a process that ends before it is ready fails the start with its own words', async () => {
  const started = startProcess({ args: ['-e', 'console.error("no such setting"); process.exit(3)'], name: 'failing', readyWhen: () => false })
  await expect(started).rejects.toThrow('no such setting')
})

test('a process that ignores SIGTERM is ended all the same', async () => {
  const stubborn = await startProcess({
    args: ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'], name: 'stubborn', readyWhen: (output) => output.includes('up'),
  })
  await stubborn.close()
  expect((await stubborn.exit).signal).toBe('SIGKILL')
}, 30_000)
