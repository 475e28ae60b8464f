import { kafkaBus, type BusLog, type MessageBus } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import type { CliConfig } from './config.js'
import { CommandFailure } from './usage.js'

// What matters to an operator comes back as the command's own failure; the client's remarks would only stand in the way of its output.
const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Opens the bus for one piece of work and closes it whatever comes of it. `topicPrefix` is for specs that share a broker. */
export async function onKafka<T>({ kafkaBrokers }: CliConfig, work: (bus: MessageBus) => Promise<T>, topicPrefix?: string): Promise<T> {
  if (kafkaBrokers.length === 0) throw new CommandFailure('CURFEW_KAFKA_BROKERS is missing: name the brokers as host:port, separated by commas')
  const bus = kafkaBus({ brokers: kafkaBrokers, clientId: 'curfew.cli', log: quiet, ...(topicPrefix !== undefined && { topicPrefix }) })
  try {
    return await work(bus)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const next = error.code === 'dependency.unavailable' ? `: is Kafka running at ${kafkaBrokers.join(', ')}?` : ''
    throw new CommandFailure(`${error.message}${next}`, { cause: error })
  } finally {
    await bus.close()
  }
}
