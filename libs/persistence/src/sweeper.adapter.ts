import { topicCatalogue } from '@curfew/contracts'
import type { DatabaseLog } from './database.js'
import type { OutboxStore } from './outbox.store.js'
import type { Relay } from './relay.adapter.js'

/** Half the age at which a row is swept: it goes at most half as late again. */
const intervalMs = 500
/** While a topic or the database is away: soon, then ever more rarely, up to two seconds, which bounds how late the drain begins. */
const firstRetryMs = 100
const lastRetryMs = 2000
/** Each holds a connection while it waits for acknowledgements. */
const mostSweeps = 3
/** How often topics outside the catalogue are looked for that this process never wrote to: another version's, whose process died. */
const unknownTopicsEveryMs = 30_000

/**
 * Publishes what nobody published in time: rows of instances that died, rows too many for memory, rows committed while their topic was away.
 * Topics are swept side by side, each with its own back-off.
 */
export class Sweeper {
  private isClosing = false
  private wake: () => void = () => undefined
  private readonly running: Promise<void>
  private readonly underway = new Map<string, Promise<void>>()
  private readonly failures = new Map<string, { count: number; until: number }>()
  private unknownTopicsAt: number

  constructor(private readonly store: OutboxStore, private readonly relay: Relay, private readonly monotonicMs: () => number, private readonly log: DatabaseLog) {
    this.unknownTopicsAt = monotonicMs()
    this.running = this.run()
  }

  async close(): Promise<void> {
    this.isClosing = true
    this.wake()
    await this.running
    await Promise.all(this.underway.values())
  }

  private async run(): Promise<void> {
    while (!this.isClosing) {
      await this.startDue().catch((error: unknown) => this.log.warn({ error }, 'the outbox could not be looked through'))
      await this.rest()
    }
  }

  private async startDue(): Promise<void> {
    for (const topic of await this.topicsDue()) {
      if (this.underway.size >= mostSweeps || this.underway.has(topic) || (this.failures.get(topic)?.until ?? 0) > this.monotonicMs()) continue
      this.underway.set(topic, this.sweep(topic).finally(() => this.underway.delete(topic)))
    }
  }

  private async topicsDue(): Promise<string[]> {
    const due = await this.store.topicsDue([...new Set([...catalogue, ...this.relay.topics()])])
    if (this.monotonicMs() < this.unknownTopicsAt) return due
    this.unknownTopicsAt = this.monotonicMs() + unknownTopicsEveryMs
    return [...new Set([...due, ...(await this.store.topicsPending())])]
  }

  /** Page after page, as long as something gets through. */
  private async sweep(topic: string): Promise<void> {
    try {
      while (!this.isClosing && (await this.sweepPage(topic)));
    } catch (error) {
      this.log.warn({ error, topic }, 'the outbox could not be swept')
      this.backOff(topic)
    }
  }

  private async sweepPage(topic: string): Promise<boolean> {
    let isDown = false
    let progress = 0
    await this.store.sweep(topic, this.relay.underway(), async (page) => {
      const outcome = await this.relay.publish(topic, page)
      isDown = outcome.down !== undefined
      progress = outcome.acknowledged.length
      return outcome
    })
    if (isDown && progress === 0) this.backOff(topic)
    else this.failures.delete(topic)
    return progress > 0
  }

  private backOff(topic: string): void {
    const count = (this.failures.get(topic)?.count ?? 0) + 1
    this.failures.set(topic, { count, until: this.monotonicMs() + Math.min(lastRetryMs, firstRetryMs * 2 ** (count - 1)) })
  }

  private rest(): Promise<void> {
    if (this.isClosing) return Promise.resolve()
    const soonest = Math.min(...[...this.failures.values()].map(({ until }) => until - this.monotonicMs()), intervalMs)
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(firstRetryMs / 2, soonest))
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const catalogue = topicCatalogue.map(({ name }) => name)
