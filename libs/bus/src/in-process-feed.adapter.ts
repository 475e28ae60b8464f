import { Fault } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { readLog } from './log-reader.adapter.js'
import type { BusLog, BusRecord, FeedReader, LogStore, Tail, TailOptions, TopicDescription } from './port.js'
import type { WakeUps } from './wake-ups.js'

export class InProcessFeed implements FeedReader {
  private readonly open = new Set<InProcessTail>()

  constructor(private readonly store: LogStore, private readonly wakeUps: WakeUps, private readonly clock: Clock, private readonly log: BusLog) {}

  async describe(topic: string): Promise<TopicDescription> {
    const description = await this.store.topic(topic)
    if (!description) throw new Fault('topic.unknown', { detail: `the topic ${topic} does not exist: apply the topics first` })
    return description
  }

  async startOffsets(topic: string): Promise<bigint[]> {
    return (await this.bounds(topic)).map(([start]) => start)
  }

  async endOffsets(topic: string): Promise<bigint[]> {
    return (await this.bounds(topic)).map(([, end]) => end)
  }

  async tail(options: TailOptions): Promise<Tail> {
    const { topicId } = await this.describe(options.topic)
    const tail = new InProcessTail(this.store, this.wakeUps, this.clock, this.log, options, topicId, () => this.open.delete(tail))
    this.open.add(tail)
    return tail
  }

  async close(): Promise<void> {
    await Promise.all([...this.open].map((tail) => tail.close()))
  }

  private async bounds(topic: string): Promise<[bigint, bigint][]> {
    await this.describe(topic)
    return this.store.bounds(topic)
  }
}

class InProcessTail implements Tail {
  private readonly stop = new AbortController()
  private readonly answers: number[]
  private readonly ended: Promise<unknown>

  constructor(
    private readonly store: LogStore, wakeUps: WakeUps, private readonly clock: Clock, private readonly log: BusLog,
    private readonly options: TailOptions, private readonly topicId: string, private readonly closed: () => void,
  ) {
    this.answers = options.from.map(() => clock.monotonicMs())
    this.ended = Promise.all(options.from.map((from, partition) => {
      let expected = from
      return readLog({
        store, wakeUps, log, topic: options.topic, partition, from, signal: this.stop.signal, onTrouble: () => undefined,
        onRead: async (records, next) => {
          // A gap, or silence, may mean that what was to come next is gone.
          if (records[0]?.offset !== expected && await this.isLost(partition, expected)) return
          expected = next
          this.take(partition, records, next)
        },
      })
    }))
  }

  lastAnswerAt(): number {
    return Math.min(...this.answers)
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.ended
    this.closed()
  }

  private take(partition: number, records: readonly BusRecord[], next: bigint): void {
    if (this.stop.signal.aborted) return
    this.answers[partition] = this.clock.monotonicMs()
    if (records.length === 0) return
    try {
      this.options.onBatch(partition, records, next)
    } catch (error) {
      this.log.error({ topic: this.options.topic, partition, err: error }, 'a batch could not be applied')
      this.lose(`a batch of partition ${partition} could not be applied`)
    }
  }

  private async isLost(partition: number, expected: bigint): Promise<boolean> {
    const current = await this.store.topic(this.options.topic)
    if (!current) return this.lose('the topic is gone')
    if (current.topicId !== this.topicId) return this.lose('the topic was created anew')
    const bounds = (await this.store.bounds(this.options.topic))[partition]
    if (!bounds || (expected >= bounds[0] && expected <= bounds[1])) return false
    return this.lose(`offset ${expected} of partition ${partition} is outside ${bounds[0]} to ${bounds[1]}`)
  }

  private lose(reason: string): true {
    if (this.stop.signal.aborted) return true
    this.stop.abort()
    this.closed()
    this.options.onLost(reason)
    return true
  }
}
