import { Fault, topicCatalogue } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { readParked, readReplayMark, replayMark, replayOf, type ParkedId, type ParkedRecord } from './park.js'
import type { BusRecord, FeedReader, MessageBus, Position } from './port.js'

const parkedTopics = (): string[] => topicCatalogue.map(({ name }) => name).filter((name) => /\.parked\.v\d+$/.test(name))

export interface ListParkedOptions {
  /** One parked topic; all of the catalogue's otherwise. */
  readonly topic?: string
  /** The newest so many per topic. */
  readonly limit?: number
}

/** Every parked record, oldest first per topic, without the values. A topic that does not exist yet holds none. */
export async function listParked(bus: MessageBus, { topic, limit = 500 }: ListParkedOptions = {}): Promise<Omit<ParkedRecord, 'value'>[]> {
  const lists = await Promise.all((topic === undefined ? parkedTopics() : [topic]).map((name) => listTopic(bus.feed, name, limit)))
  return lists.flat()
}

async function listTopic(feed: FeedReader, topic: string, limit: number): Promise<Omit<ParkedRecord, 'value'>[]> {
  const found: Omit<ParkedRecord, 'value'>[] = []
  const replayed = new Map<string, string>()
  const bounds = await boundsOf(feed, topic)
  if (!bounds) return []
  await readRange(feed, topic, bounds, (record) => {
    const mark = readReplayMark(record)
    if (mark) replayed.set(mark.of, mark.at)
    const parked = readParked(record)
    if (!parked) return
    const { value: _, ...rest } = parked
    found.push(rest)
    if (found.length > limit) found.shift()
  })
  return found.map((parked) => (replayed.has(parked.id) ? { ...parked, replayedAt: replayed.get(parked.id)! } : parked))
}

/** One parked record with its value; undefined when there is none at that place (any more). */
export async function showParked(bus: MessageBus, { topic, partition, offset }: ParkedId): Promise<ParkedRecord | undefined> {
  const bounds = await boundsOf(bus.feed, topic)
  const [start, end] = [bounds?.start[partition], bounds?.end[partition]]
  if (!bounds || start === undefined || end === undefined || offset < start || offset >= end) return undefined
  let found: ParkedRecord | undefined
  // The other partitions are read from their ends, that is not at all.
  await readRange(bus.feed, topic, { start: bounds.end.map((value, at) => (at === partition ? offset : value)), end: bounds.end.map((value, at) => (at === partition ? offset + 1n : value)) },
    (record) => { if (record.partition === partition && record.offset === offset) found = readParked(record) })
  return found
}

/**
 * Publishes the original again to its source topic and marks the parked record as replayed. Done twice it is published twice: handlers
 * recognise duplicates by source and id. Fault `event.unreadable` when nothing is parked there.
 */
export async function replayParked(bus: MessageBus, id: ParkedId, clock: Clock): Promise<Position> {
  const parked = await showParked(bus, id)
  if (!parked) throw new Fault('event.unreadable', { detail: 'there is no parked record at this place' })
  const [position] = await bus.publisher.publish([replayOf(parked)])
  await bus.publisher.publish([replayMark(id, clock.now())])
  return position!
}

interface Range {
  readonly start: readonly bigint[]
  readonly end: readonly bigint[]
}

async function boundsOf(feed: FeedReader, topic: string): Promise<Range | undefined> {
  try {
    // The end first: what arrives meanwhile is for the next reader.
    const end = await feed.endOffsets(topic)
    return { start: await feed.startOffsets(topic), end }
  } catch (error) {
    if (error instanceof Fault && error.code === 'topic.unknown') return undefined
    throw error
  }
}

/** Calls `onRecord` for what lies between; rejects when part of it is lost to retention meanwhile. */
function readRange(feed: FeedReader, topic: string, { start, end }: Range, onRecord: (record: BusRecord) => void): Promise<void> {
  const next = [...start]
  const isRead = (): boolean => next.every((offset, partition) => offset >= end[partition]!)
  if (isRead()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const tail = feed.tail({
      topic, from: start,
      onBatch: (partition, records, after) => {
        for (const record of records) if (record.offset < end[partition]!) onRecord(record)
        next[partition] = after
        if (isRead()) void tail.then((open) => open.close()).then(resolve, reject)
      },
      onLost: (reason) => reject(new Fault('dependency.unavailable', { detail: `${topic} changed while it was read: ${reason}` })),
    })
    tail.catch(reject)
  })
}
