import { listParked, parseParkedId, replayParked, showParked, type MessageBus, type ParkedId, type ParkedRecord } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import { systemClock } from '@curfew/kernel'
import { CommandFailure, UsageError } from '../usage.js'

export const list = (bus: MessageBus, topic: string | undefined, limit: number): Promise<Omit<ParkedRecord, 'value'>[]> =>
  listParked(bus, { limit, ...(topic !== undefined && { topic }) })

export async function show(bus: MessageBus, text: string): Promise<ParkedRecord> {
  const found = await showParked(bus, placeOf(text))
  if (found === undefined) throw nothingAt(text)
  return found
}

export interface Replayed {
  readonly id: string
  readonly to: string
}

/** One after the other, so that their order is kept; the first that fails ends it, and says how far it came. */
export async function replay(bus: MessageBus, ids: readonly string[]): Promise<Replayed[]> {
  const places = ids.map((id) => [id, placeOf(id)] as const)
  const done: Replayed[] = []
  for (const [id, place] of places) {
    try {
      const { topic, partition, offset } = await replayParked(bus, place, systemClock)
      done.push({ id, to: `${topic}/${partition}/${offset}` })
    } catch (error) {
      const why = error instanceof Fault && error.code === 'event.unreadable' ? nothingAt(id).message : error instanceof Error ? error.message : String(error)
      throw new CommandFailure(`${why}${done.length === 0 ? '' : `; replayed before it: ${done.map((each) => each.id).join(', ')}`}`, { cause: error })
    }
  }
  return done
}

function placeOf(text: string): ParkedId {
  const place = parseParkedId(text)
  if (place === undefined) throw new UsageError(`${JSON.stringify(text)} is no id of a parked record, such as curfew.lifecycle.parked.v1/0/17`)
  return place
}

const nothingAt = (id: string): CommandFailure => new CommandFailure(`nothing is parked at ${id}: "curfew parked list" prints what there is`)
