import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@curfew/persistence/embedded-postgres'
import { temporaryDirectory } from './config.js'
import { kafkaVersion } from './kafka-install.adapter.js'
import { kafkaPlace, startKafka } from './kafka-server.adapter.js'
import { liveProcess } from './live-process.adapter.js'
import { recordStarted, thisProcess } from './pid-files.adapter.js'
import { startRedis } from './redis-server.adapter.js'

/** One part that was started, and how to take it away again. */
export interface ProvidedPart {
  readonly address: string
  /** Stable across runs on one machine: it decides whether a cached test result still counts. */
  readonly description: string
  stop(): Promise<void>
}

export async function nativeKafka(): Promise<ProvidedPart> {
  const directory = temporaryPlace()
  const place = await kafkaPlace(directory)
  const server = await startKafka(place).catch(removing(directory))
  return { address: `127.0.0.1:${place.port}`, description: `Kafka ${kafkaVersion}, one native broker`, stop: () => server.stop().finally(() => remove(directory)) }
}

export async function nativePostgres(): Promise<ProvidedPart> {
  const directory = temporaryPlace()
  const server = await recordedPostgres(directory).catch(removing(directory))
  return { address: server.url, description: 'PostgreSQL 18, embedded binaries', stop: () => server.stop().finally(() => remove(directory)) }
}

export async function nativeRedis(): Promise<ProvidedPart> {
  const directory = temporaryPlace()
  const { url, server } = await startRedis(directory).catch(removing(directory))
  return { address: url, description: 'Redis, native', stop: () => server.stop().finally(() => remove(directory)) }
}

/** An embedded server that a later run ends when this process is killed. */
export async function recordedPostgres(directory: string, port?: number): ReturnType<typeof startEmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port, log: () => undefined })
  const process = liveProcess(server.pid)
  if (!process) throw new Error('PostgreSQL ended right after it started')
  const recorded = recordStarted({ name: 'postgres', process, owner: thisProcess() })
  return { ...server, stop: () => server.stop().finally(() => rmSync(recorded.file, { force: true })) }
}

/** Open to be traversed: the account that PostgreSQL runs under must reach its cluster inside. */
export function temporaryPlace(): string {
  const directory = mkdtempSync(join(temporaryDirectory(), 'curfew-test-'))
  chmodSync(directory, 0o711)
  return directory
}

export const remove = (directory: string): void => rmSync(directory, { recursive: true, force: true })

const removing = (directory: string) => (error: unknown): never => {
  remove(directory)
  throw error
}
