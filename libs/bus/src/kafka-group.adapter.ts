import { setTimeout as pause } from 'node:timers/promises'
import { pauseAfter } from './deliver.js'
import { KafkaAssignment } from './kafka-assignment.adapter.js'
import { KafkaConsumer, type KafkaGroupOptions } from './kafka-consumer.adapter.js'
import { forgetOffsets } from './kafka-offsets.adapter.js'
import type { PartitionWork } from './partition-work.js'
import type { GroupConsumer } from './port.js'

/** A consumer that cannot reach Kafka costs it nothing, and everybody is waiting for it. */
const longestPauseMs = 2_000

/** A member of a group for as long as it is wanted: one kafkajs consumer after another, whatever becomes of each. */
export class KafkaGroupConsumer implements GroupConsumer {
  private readonly stop = new AbortController()
  private readonly stragglers = new Map<string, PartitionWork>()
  private readonly ended: Promise<void>
  private current: { readonly consumer: KafkaConsumer; readonly assignment: KafkaAssignment } | undefined
  private lastReason = 'it has not joined yet'

  constructor(private readonly options: KafkaGroupOptions, private readonly closed: () => void) {
    this.ended = this.run()
  }

  unhealthy(): string | undefined {
    const stopped = this.current?.assignment.stopped()
    const why = stopped ? `${stopped.name} ${stopped.why}` : this.current?.consumer.hasJoined ? undefined : `cannot read ${this.options.topics.join(', ')}: ${this.lastReason}`
    return why === undefined ? undefined : `group ${this.options.group}: ${why}`
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.ended
    this.closed()
  }

  private async run(): Promise<void> {
    const { signal } = this.stop
    let memberId: string | undefined
    for (let failures = 0; !signal.aborted;) {
      const assignment: KafkaAssignment = new KafkaAssignment(this.options.onRecord, () => this.current?.consumer.commitSoon(), this.stragglers)
      const consumer = new KafkaConsumer(this.options, assignment, memberId)
      this.current = { consumer, assignment }
      this.lastReason = await consumer.run(signal)
      memberId = consumer.memberId
      failures = consumer.hasJoined ? 1 : failures + 1
      this.current = undefined
      if (signal.aborted) return
      if (consumer.madeAnew !== undefined) await this.forget(consumer.madeAnew)
      this.options.log.warn({ group: this.options.group, failures, reason: this.lastReason }, 'a consumer has ended and is made anew')
      await pause(Math.min(pauseAfter(failures), longestPauseMs), undefined, { signal }).catch(() => undefined)
    }
  }

  private async forget(topic: string): Promise<void> {
    const { group, inside, log } = this.options
    await forgetOffsets(this.options, inside(group), inside(topic)).catch((error: unknown) => log.error({ group, topic, err: error }, 'a topic was created anew and the offsets of the old one are still there'))
  }
}
