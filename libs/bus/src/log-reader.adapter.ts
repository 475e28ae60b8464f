import { setTimeout as pause } from 'node:timers/promises'
import { pauseAfter } from './deliver.js'
import type { BusLog, BusRecord, LogStore } from './port.js'
import type { WakeUps } from './wake-ups.js'

/** How long an idle reader trusts the wake-ups of its own process: another process may append to the same table (the CLI does). */
export const idleMs = 1_000
/** One read stays near this many bytes whatever the records weigh. */
const bytesPerRead = 4 * 1_048_576
const mostPerRead = 200

export interface LogReaderOptions {
  readonly store: LogStore
  readonly wakeUps: WakeUps
  readonly log: BusLog
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly signal: AbortSignal
  /** Takes one read; `records` is empty when nothing new is there. Reading goes on when it resolves. */
  readonly onRead: (records: BusRecord[], next: bigint) => void | Promise<void>
  /** Told with undefined when the log can be read again. */
  readonly onTrouble: (error: unknown) => void
}

/** Follows one partition of the log until `signal` aborts. It never rejects: a log that cannot be read is tried again. */
export async function readLog({ store, wakeUps, log, topic, partition, from, signal, onRead, onTrouble }: LogReaderOptions): Promise<void> {
  let next = from
  let limit = 50
  let failures = 0
  while (!signal.aborted) {
    const appended = wakeUps.next(topic, partition, signal, idleMs)
    try {
      const records = await store.read(topic, partition, next, limit)
      if (signal.aborted) return
      if (failures > 0) onTrouble(undefined)
      failures = 0
      limit = limitAfter(records, limit)
      const after = records.length > 0 ? records.at(-1)!.offset + 1n : next
      await onRead(records, after)
      next = after
      if (records.length === 0) await appended
    } catch (error) {
      failures += 1
      onTrouble(error)
      log.warn({ topic, partition, failures, err: error }, 'the log cannot be read and is tried again')
      await pause(pauseAfter(failures), undefined, { signal }).catch(() => undefined)
    }
  }
}

/** As many records of the size just seen as fit into one read. */
function limitAfter(records: readonly BusRecord[], limit: number): number {
  if (records.length === 0) return limit
  const average = records.reduce((sum, { value }) => sum + (value?.length ?? 0) + 200, 0) / records.length
  return Math.max(1, Math.min(mostPerRead, Math.floor(bytesPerRead / average)))
}
