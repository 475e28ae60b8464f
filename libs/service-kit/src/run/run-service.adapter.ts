import { kafkaBus } from '@curfew/bus'
import { systemClock } from '@curfew/kernel'
import type { Logger } from 'pino'
import { LocalMemory } from '../memory/local-memory.adapter.js'
import { RedisMemory } from '../memory/redis-memory.adapter.js'
import type { Compose } from '../service.js'
import { startServices } from '../start-services.adapter.js'
import { startTelemetry } from '../telemetry/telemetry.adapter.js'
import { endOnSignal } from './ending.adapter.js'
import { openPlatform } from './open-platform.adapter.js'
import type { ServiceConfig, ServiceName } from './service-config.js'
import { serviceLog } from './service-log.adapter.js'

/** A revoked caller is refused this much later than at a gateway, and one reader fewer wakes at each record. */
const callersGatherMs = 100

export interface RunServiceOptions {
  readonly name: ServiceName
  /** Called once, before anything is opened; what it throws is told without a stack, since it is about the environment and not about the program. */
  readonly config: () => ServiceConfig
  readonly compose: Compose
}

/**
 * Runs one service as this process, on Kafka: `main.ts` is this one call. It prints `<name> listens on http://…` once it does, ends cleanly on SIGTERM and
 * SIGINT, and with status 1 and one logged reason on anything nobody caught.
 */
export async function runService({ name, config: read, compose }: RunServiceOptions): Promise<void> {
  const config = configOrExit(read)
  const log = serviceLog({ name, level: config.logLevel })
  const ending = endOnSignal(log)
  log.info({ config }, 'the configuration in effect')
  try {
    const telemetry = startTelemetry({ service: name, ...(config.otlpUrl === undefined ? {} : { otlpUrl: config.otlpUrl }) })
    ending.add('traces', () => telemetry.close())
    const memory = memoryFor(config, log)
    ending.add('the shared memory', () => memory.close())
    const bus = kafkaBus({ brokers: config.kafkaBrokers, clientId: `curfew.${name}`, log })
    ending.add('the message bus', () => bus.close())
    const { platform, close } = openPlatform({
      settings: config, databaseUrl: config.databaseUrl.reveal(), clock: systemClock, log, bus, memory, followsFeed: name !== 'revocation',
      // Session refuses to issue what is dead, so it must know as soon as a gateway does.
      ...(name !== 'session' && { gatherMs: callersGatherMs }),
    })
    ending.add('the platform', close)
    const services = await startServices({ definitions: [await compose(platform)], platform, host: config.host, port: config.port })
    ending.add('the service', () => services.close())
    process.stdout.write(`${name} listens on ${services.url}\n`)
  } catch (error) {
    await ending.fail(error, 'the service cannot start')
  }
}

function configOrExit(read: () => ServiceConfig): ServiceConfig {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exit(1)
  }
}

function memoryFor({ redisUrl }: ServiceConfig, log: Logger): LocalMemory | RedisMemory {
  return redisUrl === undefined ? new LocalMemory(systemClock) : new RedisMemory({ url: redisUrl.reveal(), clock: systemClock, log })
}
