import { fileURLToPath } from 'node:url'
import { startProcess, type TestProcess } from '@curfew/testing'
import { ProduceAcks, Producer, Admin } from '@platformatic/kafka'
import { Pool as Database } from 'pg'
import { Pool } from 'undici'

export interface Floor {
  /** One raw commit, one raw produce until every reader has it, two keep-alive round trips: milliseconds. */
  sample(): Promise<number>
  close(): Promise<void>
}

const reader = fileURLToPath(new URL('./raw-reader.main.js', import.meta.url))
const partitions = 3

/** The raw parts of one revocation without Curfew, with as many raw readers as there are gateways. */
export async function startFloor({ brokers, database, readers }: { brokers: readonly string[]; database: string; readers: number }): Promise<Floor> {
  const topic = `bench-floor-${readers}-${Date.now()}`
  const bootstrapBrokers = [...brokers]
  const admin = new Admin({ clientId: 'floor', bootstrapBrokers })
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  await admin.close()
  const producer = new Producer({ clientId: 'floor', bootstrapBrokers })
  const pool = new Database({ connectionString: database, max: 16 })
  await pool.query('CREATE TABLE IF NOT EXISTS floor_one (id text PRIMARY KEY, body bytea); CREATE TABLE IF NOT EXISTS floor_two (id text PRIMARY KEY, body bytea)')
  const processes = await Promise.all(Array.from({ length: readers }, () => startReader(bootstrapBrokers[0] as string, topic)))
  // As many connections as samples can be under way: a long poll holds its connection.
  const clients = processes.map(({ port }) => new Pool(`http://127.0.0.1:${port}`, { connections: 64, pipelining: 1 }))
  const ask = (client: Pool, path: string): Promise<unknown> => client.request({ method: 'GET', path }).then(({ body }) => body.dump())
  const body = Buffer.alloc(600, 0x7b)
  let next = 0
  const sample = async (): Promise<number> => {
    const marker = `m${(next += 1)}`
    const read = Promise.all(clients.map((client) => ask(client, `/${marker}`)))
    const begin = performance.now()
    await pool.query('WITH one AS (INSERT INTO floor_one VALUES ($1, $2)) INSERT INTO floor_two VALUES ($1, $2)', [`${topic}${marker}`, body])
    await producer.send({ acks: ProduceAcks.ALL, messages: [{ topic, partition: next % partitions, value: Buffer.from(marker) }] })
    await read
    await ask(clients[0] as Pool, '/probe')
    await Promise.all(clients.map((client) => ask(client, '/probe')))
    return performance.now() - begin
  }
  return {
    sample,
    close: async () => {
      await Promise.allSettled([...clients.map((client) => client.destroy()), producer.close(), pool.end()])
      await Promise.allSettled(processes.map(({ process }) => process.close()))
    },
  }
}

async function startReader(broker: string, topic: string): Promise<{ process: TestProcess; port: number }> {
  const process = await startProcess({ name: 'raw-reader', args: [reader, broker, topic, String(partitions)], readyWhen: (output) => /listening \d+/.test(output) })
  return { process, port: Number(/listening (\d+)/.exec(process.output())?.[1]) }
}
