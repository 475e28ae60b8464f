// What `npm run dev:distributed` does once everything is built: real parts, topics, four services, two gateways, until it is told to stop.
import { randomBytes } from 'node:crypto'
import { kafkaBus } from '@curfew/bus'
import { topicCatalogue } from '@curfew/contracts'
import { provideParts, type Parts } from '@curfew/testing/parts'
import { whenAskedToEnd } from '../launch/ending.adapter.mjs'
import { distributedProcesses } from './processes.adapter.js'
import { announcement, edgeIn, servicesIn, type Surroundings } from './programs.js'

const say = (line: string): void => console.log(line)
const processes = distributedProcesses(say)
let starting: Promise<Parts> | undefined

async function applyTopics(brokers: string): Promise<void> {
  const quiet = (): void => undefined
  const loud = (_fields: object, message: string): void => say(`topics: ${message}`)
  const bus = kafkaBus({ brokers: brokers.split(','), clientId: 'curfew-dev', log: { debug: quiet, info: quiet, warn: loud, error: loud } })
  try {
    const done = await bus.topics.apply(topicCatalogue)
    say(`topics: ${done.length === 0 ? 'as the catalogue says' : `${done.length} changes`}`)
  } finally {
    await bus.close()
  }
}

async function run(): Promise<never> {
  say('starting Kafka, PostgreSQL and Redis …')
  starting = provideParts(say)
  const parts = await starting
  for (const description of parts.descriptions) say(`  ${description}`)
  const { kafka, database, redis } = parts.addresses
  // Parts of one's own outlive the run, and what was sealed with a secret needs that secret again.
  const clientSecret = process.env.CURFEW_BOOTSTRAP_CLIENT_SECRET ?? randomBytes(24).toString('base64url')
  const surroundings: Surroundings = { kafka, database, redis, clientId: process.env.CURFEW_BOOTSTRAP_CLIENT_ID ?? 'admin', clientSecret }
  await applyTopics(kafka)
  const [services, edge] = [servicesIn(surroundings), edgeIn(surroundings)]
  await processes.start(services)
  await processes.start(edge)
  say(`\n${announcement(surroundings, [...services, ...edge])}\n`)
  return processes.broken
}

let stopping: Promise<void> | undefined
const stop = (): Promise<void> => (stopping ??= (async () => {
  await processes.stop()
  await (await starting?.catch(() => undefined))?.stop()
})())

async function endWith(code: number): Promise<never> {
  await stop().catch((error: unknown) => console.error(error))
  process.exit(code)
}

whenAskedToEnd((signal: string) => {
  if (!stopping) say('stopping …')
  void endWith(signal === 'SIGINT' ? 130 : 143)
})
await run().catch((error: unknown) => {
  if (stopping) return
  console.error((error as Error).message)
  return endWith(1)
})
