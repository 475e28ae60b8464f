import { Fault } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeEvent, type ReceivedEvent } from './cloud-event.js'
import { pauseAfter, whatNext, type Next } from './deliver.js'
import { parkedRecord, withoutValue } from './park.js'
import type { BusLog, BusRecord, GroupConsumer, MessageBus, OutgoingRecord } from './port.js'

export type DeliveryLog = Pick<BusLog, 'info' | 'warn' | 'error'>

export interface DeliverOptions {
  readonly bus: MessageBus
  readonly group: string
  readonly topics: readonly string[]
  readonly handle: (event: ReceivedEvent) => Promise<void>
  readonly clock: Clock
  readonly log: DeliveryLog
  /** Aborts waiting (not handling), as closing the consumer does. */
  readonly signal?: AbortSignal
  readonly from?: 'earliest' | 'latest'
  readonly gatherMs?: number
}

/**
 * Runs one group's handler by our rules of delivery (`whatNext`): at least once, in order per key, and a record that cannot be handled is parked,
 * whole, before it counts as done. Only the record's own key waits while it is tried again.
 */
export function deliver(options: DeliverOptions): Promise<GroupConsumer> {
  const { bus, group, topics, from, gatherMs } = options
  return bus.consume({ group, topics, from, ...(gatherMs === undefined ? {} : { gatherMs }), onRecord: (record, lease) => deliverRecord(options, record, options.signal ? AbortSignal.any([lease, options.signal]) : lease) })
}

async function deliverRecord(options: DeliverOptions, record: BusRecord, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await options.handle(decodeEvent(record))
    } catch (error) {
      const next = whatNext(error, attempt)
      say(options, record, attempt, next, error)
      if (next.kind === 'park') return park(options, record, attempt, next, signal)
      await pause(next.afterMs, undefined, { signal })
    }
  }
}

function say({ log, group }: DeliverOptions, { topic, partition, offset }: BusRecord, attempt: number, next: Next, error: unknown): void {
  const fields = { group, topic, partition, offset: String(offset), attempt, err: error }
  if (next.kind === 'park') log.error({ ...fields, reason: next.reason }, 'a record could not be handled and is parked')
  else log.warn({ ...fields, afterMs: next.afterMs }, 'a record could not be handled yet and is tried again')
}

/** Resolves once the record lies in the parked topic, however long that takes; rejects only when told to stop, and then it is delivered again. */
async function park(options: DeliverOptions, record: BusRecord, attempts: number, why: Extract<Next, { kind: 'park' }>, signal: AbortSignal): Promise<void> {
  const { bus, clock, log, group } = options
  let parked: OutgoingRecord = parkedRecord(record, { ...why, attempts, at: clock.now(), by: group })
  for (let failures = 1; ; failures += 1) {
    try {
      await bus.publisher.publish([parked])
      return
    } catch (error) {
      log.error({ group, topic: parked.topic, failures, err: error }, 'a record could not be parked and keeps its key waiting')
      if (error instanceof Fault && error.code === 'record.too_large' && parked.value !== null) parked = withoutValue(parked)
      await pause(pauseAfter(failures), undefined, { signal })
    }
  }
}
