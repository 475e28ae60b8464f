import { systemClock } from '@curfew/kernel'
import { setTimeout as pause } from 'node:timers/promises'
import type { KafkaAddress } from './kafka-client.adapter.js'
import { TailSession } from './kafka-tail-session.adapter.js'
import type { BusLog, BusRecord, Tail, TailOptions } from './port.js'

export interface KafkaTailOptions extends TailOptions {
  /** The topic's name on the broker. */
  readonly inside: string
  readonly topicId: string
}

/** Long enough not to spin, short against any staleness budget. */
const betweenSessionsMs = 250

/** Follows every partition of a topic without a group, for as long as the positions mean the same: a client that gets no answers is replaced. */
export class KafkaTail implements Tail {
  private readonly stop = new AbortController()
  private readonly next: bigint[]
  private readonly answers: number[]
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
      const session = new TailSession(this.address, this.options, this.log, {
        next: this.next,
        take: (partition, records, after) => this.take(partition, records, after),
        answered: (partition) => { this.answers[partition] = systemClock.monotonicMs() },
        lose: (reason) => this.lose(reason),
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

  private lose(reason: string): void {
    if (this.stop.signal.aborted) return
    this.stop.abort()
    this.closed()
    this.options.onLost(reason)
  }
}
