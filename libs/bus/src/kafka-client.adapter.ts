import { Fault } from '@curfew/contracts'
import { findErrorBy, TimeoutError } from '@platformatic/kafka'
import { setTimeout as pause } from 'node:timers/promises'

export interface KafkaAddress {
  readonly brokers: readonly string[]
  readonly clientId: string
}

/**
 * A request that has no answer after 3 s has lost its broker: its connection is given up, which a request that merely waits would never do.
 * Retries are ours throughout: only the caller knows how long it may wait. Metadata is refreshed by us, beside the work and never in front of it.
 */
export const clientOptions = ({ brokers, clientId }: KafkaAddress) => ({
  clientId, bootstrapBrokers: [...brokers], connectTimeout: 2_000, requestTimeout: 3_000, timeout: 2_000, retries: 0, metadataMaxAge: 3_600_000, autocreateTopics: false,
})

/** Any error of the client as a fault from the catalogue; `attempt` completes "could not …". */
export function asFault(error: unknown, attempt: string): Fault {
  if (error instanceof Fault) return error
  if (isUnknownTopic(error)) return new Fault('topic.unknown', { detail: `could not ${attempt}: the topic does not exist; apply the topics first` }, { cause: error })
  if (isTooLarge(error)) return new Fault('record.too_large', { detail: `could not ${attempt}: the topic does not take a record of this size` }, { cause: error })
  return new Fault('dependency.unavailable', { detail: `could not ${attempt}: Kafka did not answer as it should` }, { cause: error })
}

const saysThat = (error: unknown, member: string, value: unknown): boolean => error instanceof Error && findErrorBy(error, member, value) !== null

// The client answers an unknown topic in its metadata with an error of its own, without the broker's code.
export const isUnknownTopic = (error: unknown): boolean =>
  saysThat(error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') || (error instanceof Error && /^Unknown topic /.test(error.message))

export const isTooLarge = (error: unknown): boolean => saysThat(error, 'apiId', 'MESSAGE_TOO_LARGE') || saysThat(error, 'apiId', 'RECORD_LIST_TOO_LARGE')

/** Whether the same request may succeed in a moment. One that timed out has already cost its time. */
export const isPassing = (error: unknown): boolean => !(error instanceof Fault) && !(error instanceof TimeoutError) && !isUnknownTopic(error) && !saysThat(error, 'canRetry', false)

const betweenAttemptsMs = 50

/** Tries until it works, fails for good, or `forMs` are over; then the error is a fault. */
export async function persist<T>(attempt: string, forMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + forMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error) || performance.now() > deadline) throw asFault(error, attempt)
      await pause(betweenAttemptsMs)
    }
  }
}
