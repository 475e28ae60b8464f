import kafkajs, { type EachBatchPayload, type KafkaConfig, type LogEntry } from 'kafkajs'
import type { KafkaAddress } from './kafka-client.adapter.js'
import type { KafkaSockets } from './kafkajs-sockets.adapter.js'
import type { BusLog, BusRecord } from './port.js'

/** How every kafkajs client of ours is made. Three tries to connect: after that the consumer as a whole is made anew, which knows when to stop. */
export function kafkajsConfig({ brokers, clientId, log }: KafkaAddress & { readonly log: BusLog }, sockets: KafkaSockets): KafkaConfig {
  return {
    brokers: [...brokers], clientId, connectionTimeout: 3_000, requestTimeout: 5_000, enforceRequestTimeout: true, socketFactory: sockets.factory,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 3 }, logLevel: kafkajs.logLevel.INFO, logCreator: () => (entry: LogEntry) => say(log, entry),
  }
}

/** What kafkajs calls an error is a connection that it makes anew: a warning. Whether the consumer is well, its health says. */
function say(log: BusLog, { level, namespace, log: { message, timestamp: _, ...fields } }: LogEntry): void {
  const text = `kafkajs ${namespace}: ${message}`
  if (level <= kafkajs.logLevel.WARN) log.warn(fields, text)
  else log.debug(fields, text)
}

export const partsOf = (name: string): { topic: string; partitions: number[] } => ({ topic: name.slice(0, name.lastIndexOf('/')), partitions: [Number(name.slice(name.lastIndexOf('/') + 1))] })

type Message = EachBatchPayload['batch']['messages'][number]

/** The value is copied: kafkajs hands out slices, and one record that waits would keep a whole fetch of 8 MiB in memory. */
export function recordOf(topic: string, partition: number, { offset, key, value, headers, timestamp }: Message): BusRecord {
  return {
    topic, partition, offset: BigInt(offset), key: key?.toString('utf8') ?? null, value: value === null ? null : Buffer.from(value), timestamp: Number(timestamp),
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String((Array.isArray(text) ? text.at(-1) : text) ?? '')])),
  }
}
