import { deliver, type BusRecord, type GroupConsumer, type MessageBus, type ReceivedEvent } from '@curfew/bus'
import { Fault, topics } from '@curfew/contracts'
import type { Authenticity } from '@curfew/feed'
import { Outage, type Clock } from '@curfew/kernel'
import { Server, type MessageHandler } from '@nestjs/microservices'
import { isObservable, lastValueFrom } from 'rxjs'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServiceLog } from '../injected.js'
import { inConsumerSpan } from '../telemetry/telemetry.adapter.js'
import type { ConsumerMetrics } from './consumer-metrics.adapter.js'

export interface BusTransportOptions {
  readonly service: string
  readonly transport: symbol
  readonly bus: MessageBus
  readonly clock: Clock
  readonly log: ServiceLog
  readonly metrics: ConsumerMetrics
  readonly gatherMs?: number
  readonly authenticityOf: (record: BusRecord) => Authenticity
}

const firstPauseMs = 250
const longestPauseMs = 5_000

/** The record waits for the keys of the feed; the trouble is theirs and not its own. */
class KeysNotKnown extends Fault {
  constructor() {
    super('denylist.stale', { detail: 'the keys of the feed are not known here yet' })
  }
}

/**
 * Nest's way of declaring handlers over the bus port: `@EventPattern<string>(topic, transport)` reads that topic in the group `curfew.<service>` by our
 * rules of delivery. It starts in the background and tries again while the bus cannot be reached, so a service comes up without it.
 */
export class BusTransport extends Server {
  // The handler's own error has to reach `deliver`, which decides by it.
  override readonly propagatesEventHandlerErrors = true
  private readonly stopping = new AbortController()
  private starting: Promise<void> | undefined
  private consumer: GroupConsumer | undefined
  private trouble = 'has not started'
  private readonly keysAway: Outage

  constructor(private readonly options: BusTransportOptions) {
    super()
    this.keysAway = new Outage(options.clock)
    this.setTransportId(options.transport)
  }

  /** Undefined when its topics are being read, or when there are none. */
  unhealthy(): string | undefined {
    if (this.messageHandlers.size === 0) return undefined
    const why = this.consumer === undefined ? this.trouble : this.consumer.unhealthy()
    return why === undefined ? undefined : `the consumer curfew.${this.options.service}: ${why}`
  }

  listen(callback: (error?: unknown) => void): void {
    try {
      for (const [topic, handler] of this.messageHandlers) oneHandler(topic, handler)
    } catch (error) {
      return callback(error)
    }
    if (this.messageHandlers.size > 0) this.starting = this.start()
    callback()
  }

  async close(): Promise<void> {
    this.stopping.abort()
    await this.starting
    await this.consumer?.close()
    this.consumer = undefined
  }

  on(): never {
    throw new Error('the bus transport has no events of its own')
  }

  unwrap<T>(): T {
    return this.options.bus as T
  }

  private async start(): Promise<void> {
    const { service, bus, clock, log, metrics, gatherMs } = this.options
    const { signal } = this.stopping
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.consumer = await deliver({
          bus, clock, signal, group: `curfew.${service}`, topics: [...this.messageHandlers.keys()], ...(gatherMs === undefined ? {} : { gatherMs }),
          handle: (event) => this.handle(event), log: metrics.listeningOn(quietAboutKeys(log), service),
        })
        return
      } catch (error) {
        failures += 1
        this.trouble = 'cannot reach its topics'
        if (failures === 1) log.warn({ service, err: error }, 'the consumer cannot start yet and tries again')
        await pause(Math.min(firstPauseMs * 2 ** failures, longestPauseMs), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  private async handle(event: ReceivedEvent): Promise<void> {
    const { topic, partition, offset } = event.record
    const handler = this.messageHandlers.get(topic)
    if (handler === undefined) return
    if (topic === topics.revocations.name) this.believe(event.record)
    const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': topic, 'messaging.message.id': event.id, 'curfew.position': `${partition}/${offset}` }
    await inConsumerSpan(event.traceparent, `process ${topic}`, attributes, async () => {
      const outcome: unknown = await handler(event, event)
      if (isObservable(outcome)) await lastValueFrom(outcome, { defaultValue: undefined })
    })
    this.options.metrics.handled(this.options.service, topic)
  }

  /** What no gateway would obey ends no session and enters no trail (PROTOCOL section 6). Without keys the record waits for them. */
  private believe(record: BusRecord): void {
    const { authenticityOf, log, service } = this.options
    const found = authenticityOf(record)
    if (found === 'unknown') {
      const news = this.keysAway.failed()
      if (news) log[news.level]({ service, topic: record.topic, lastedMs: news.lastedMs }, 'records wait until the keys of the feed are known')
      throw new KeysNotKnown()
    }
    const lastedMs = this.keysAway.over()
    if (lastedMs !== undefined) log.info({ service, topic: record.topic, lastedMs }, 'the keys of the feed are known now')
    if (found === 'forged') throw new Fault('event.not_authentic')
  }
}

// Every start passes through it, with as many records as lie there: it is told once for all of them, by `believe`.
function quietAboutKeys(log: ServiceLog): ServiceLog {
  return {
    debug: (fields, message) => log.debug(fields, message), info: (fields, message) => log.info(fields, message), error: (fields, message) => log.error(fields, message),
    warn: (fields, message) => ((fields as { err?: unknown }).err instanceof KeysNotKnown ? log.debug(fields, message) : log.warn(fields, message)),
  }
}

// Nest would run two handlers of one topic side by side and repeat both when one fails.
function oneHandler(topic: string, handler: MessageHandler): void {
  if (handler.next) throw new Error(`${topic} has more than one handler: let one look at the event's type`)
}

