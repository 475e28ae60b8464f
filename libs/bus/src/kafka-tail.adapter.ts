import { systemClock } from '@curfew/kernel'
import { setTimeout as pause } from 'node:timers/promises'
import type { KafkaAddress } from './kafka-client.adapter.js'
import { TailSession, type KafkaTailOptions } from './kafka-tail-session.adapter.js'
import type { BusLog, BusRecord, Tail } from './port.js'

/** Long enough not to spin, short against any staleness budget. */
const betweenSessionsMs = 250
/** An outage is told when it begins, and now and then while it lasts. */
const sayEveryMs = 30_000

/** Follows every partition of a topic without a group, for as long as the positions mean the same: a client that gets no answers is replaced. */
export class KafkaTail implements Tail {
  private readonly stop = new AbortController()
  private readonly next: bigint[]
  private readonly answers: number[]
  private troubleSaidAt: number | undefined
  private readonly ended: Promise<void>

  constructor(private readonly address: KafkaAddress, private readonly options: KafkaTailOptions, private readonly log: BusLog, private readonly closed: () => void) {
    this.next = [...options.from]
    this.answers = options.from.map(() => systemClock.monotonicMs())
    this.ended = this.run()
  }

  lastAnswerAt(): number {
    return Math.min(...this.answers)
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.ended
    this.closed()
  }

  private async run(): Promise<void> {
    const { signal } = this.stop
    while (!signal.aborted) {
      const session = new TailSession(this.address, this.options, {
        next: this.next,
        take: (partition, records, after) => this.take(partition, records, after),
        answered: (partition) => this.answered(partition),
        lose: (reason) => this.lose(reason),
        trouble: (error) => this.trouble(error),
      })
      await session.run(signal)
      await pause(betweenSessionsMs, undefined, { signal }).catch(() => undefined)
    }
  }

  private take(partition: number, records: readonly BusRecord[], after: bigint): void {
    if (this.stop.signal.aborted) return
    try {
      this.options.onBatch(partition, records, after)
      this.next[partition] = after
    } catch (error) {
      this.log.error({ topic: this.options.topic, partition, err: error }, 'a batch could not be applied')
      this.lose(`a batch of partition ${partition} could not be applied`)
    }
  }

  private answered(partition: number): void {
    this.answers[partition] = systemClock.monotonicMs()
    if (this.troubleSaidAt !== undefined && this.lastAnswerAt() > this.troubleSaidAt) {
      this.troubleSaidAt = undefined
      this.log.info({ topic: this.options.topic }, 'a topic is followed again')
    }
  }

  private trouble(error: unknown): void {
    const now = systemClock.monotonicMs()
    if (this.troubleSaidAt !== undefined && now - this.troubleSaidAt < sayEveryMs) return
    this.troubleSaidAt = now
    this.log.warn({ topic: this.options.topic, err: error }, 'a topic cannot be followed; it is tried again')
  }

  private lose(reason: string): void {
    if (this.stop.signal.aborted) return
    this.stop.abort()
    this.closed()
    this.options.onLost(reason)
  }
}
