import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { plainEnvironment } from './config.js'
import { freePort } from './free-port.adapter.js'
import { kafkaVersion } from './kafka-install.adapter.js'
import { remove, temporaryPlace, type ProvidedPart } from './native-parts.adapter.js'

const run = promisify(execFile)
type PartName = 'kafka' | 'database' | 'redis'

/** The parts as containers, where a Docker engine with compose answers; undefined where none does. A docker program alone is not an engine. */
export async function composedParts(names: readonly PartName[]): Promise<Map<PartName, ProvidedPart> | undefined> {
  if (!(await engineAnswers())) return undefined
  const directory = temporaryPlace()
  const ports = { kafka: await freePort(), database: await freePort(), redis: await freePort() }
  const file = join(directory, 'compose.json')
  await writeFile(file, JSON.stringify(composeFile(ports, names)))
  const compose = (...args: string[]) => run('docker', ['compose', '-p', `curfew-test-${process.pid}`, '-f', file, ...args], { env: plainEnvironment(), timeout: 300_000 })
  let down: Promise<unknown> | undefined
  const stop = async (): Promise<void> => void (await (down ??= compose('down', '-v', '-t', '5').finally(() => remove(directory))))
  try {
    await compose('up', '-d', '--wait')
  } catch (error) {
    await stop()
    throw error
  }
  const addresses = { kafka: `127.0.0.1:${ports.kafka}`, database: `postgres://postgres:for-tests-only@127.0.0.1:${ports.database}/postgres`, redis: `redis://127.0.0.1:${ports.redis}` }
  return new Map(names.map((name) => [name, { address: addresses[name], description: `${images[name]} in a container`, stop }]))
}

const images = { kafka: `apache/kafka:${kafkaVersion}`, database: 'postgres:18', redis: 'redis:7' }

/** JSON is YAML: compose reads it, and no template has to be kept in step with the code. */
export function composeFile(ports: Record<PartName, number>, names: readonly PartName[]): object {
  const services: Record<PartName, object> = {
    kafka: {
      image: images.kafka, ports: [`127.0.0.1:${ports.kafka}:${ports.kafka}`],
      environment: {
        KAFKA_NODE_ID: '1', KAFKA_PROCESS_ROLES: 'broker,controller', KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:29093',
        KAFKA_LISTENERS: `PLAINTEXT://:${ports.kafka},CONTROLLER://:29093`, KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${ports.kafka}`,
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER', KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1', KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1', KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false', KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      },
      healthcheck: checked(`/opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server localhost:${ports.kafka}`),
    },
    database: {
      image: images.database, ports: [`127.0.0.1:${ports.database}:5432`], environment: { POSTGRES_PASSWORD: 'for-tests-only' },
      command: ['postgres', '-c', 'max_connections=200'], healthcheck: checked('pg_isready -h 127.0.0.1 -U postgres'),
    },
    redis: { image: images.redis, ports: [`127.0.0.1:${ports.redis}:6379`], command: ['redis-server', '--save', ''], healthcheck: checked('redis-cli ping') },
  }
  return { services: Object.fromEntries(names.map((name) => [name, services[name]])) }
}

const checked = (command: string): object => ({ test: ['CMD-SHELL', command], interval: '2s', timeout: '10s', retries: 30 })

async function engineAnswers(): Promise<boolean> {
  const probe = (...args: string[]) => run('docker', args, { timeout: 10_000, env: plainEnvironment() })
  return probe('info').then(() => probe('compose', 'version')).then(() => true, () => false)
}
