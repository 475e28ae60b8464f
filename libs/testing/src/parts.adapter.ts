import { addressesFromEnvironment, type PartAddresses } from './config.js'
import { composedParts } from './compose.adapter.js'
import { nativeKafka, nativePostgres, nativeRedis, type ProvidedPart } from './native-parts.adapter.js'
import { endOrphans } from './pid-files.adapter.js'

export interface Parts {
  readonly addresses: Required<PartAddresses>
  /** One line per part: what it is and which way it came. */
  readonly descriptions: readonly string[]
  stop(): Promise<void>
}

const natively = { kafka: nativeKafka, database: nativePostgres, redis: nativeRedis }
type PartName = keyof typeof natively

/**
 * Kafka, PostgreSQL and Redis for a whole test run: taken from the environment where it names them, from compose where a Docker
 * engine answers, otherwise started here. It fails with one sentence naming the ways when a part cannot be had; nothing is skipped.
 */
export async function provideParts(say: (line: string) => void): Promise<Parts> {
  for (const orphan of await endOrphans()) say(`stopped a leftover of an earlier run: ${orphan}`)
  const given = addressesFromEnvironment()
  const missing = (Object.keys(natively) as PartName[]).filter((name) => !given[name])
  const composed = missing.length > 0 ? await composedParts(missing) : undefined
  const provided = new Map<PartName, ProvidedPart>(composed)
  try {
    // One after another would cost the sum of their starts; a failed one must not leave the others behind.
    const outcomes = await Promise.allSettled(missing.filter((name) => !provided.has(name)).map(async (name) => provided.set(name, await natively[name]())))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason as Error
  } catch (error) {
    await stopAll(provided)
    throw error
  }
  const address = (name: PartName): string => given[name] ?? (provided.get(name) as ProvidedPart).address
  return {
    addresses: { kafka: address('kafka'), database: address('database'), redis: address('redis') },
    descriptions: (Object.keys(natively) as PartName[]).map((name) => provided.get(name)?.description ?? `${name} from the environment`),
    stop: () => stopAll(provided),
  }
}

async function stopAll(provided: ReadonlyMap<PartName, ProvidedPart>): Promise<void> {
  const outcomes = await Promise.allSettled([...provided.values()].map((part) => part.stop()))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason as Error
}
