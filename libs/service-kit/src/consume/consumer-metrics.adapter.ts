import type { DeliveryLog } from '@curfew/bus'
import { Counter, type Registry } from 'prom-client'
import type { ServiceLog } from '../injected.js'

/** What becomes of consumed records, counted. */
export class ConsumerMetrics {
  private readonly done: Counter
  private readonly retried: Counter
  private readonly parked: Counter

  constructor(registry: Registry) {
    const counter = (name: string, help: string, labelNames: string[]): Counter =>
      registry.getSingleMetric(name) as Counter | undefined ?? new Counter({ name, help, labelNames, registers: [registry] })
    this.done = counter('curfew_consumer_handled_total', 'Records handled to the end, by service and topic.', ['service', 'topic'])
    this.retried = counter('curfew_consumer_retried_total', 'Attempts that failed and are made again, by service and topic.', ['service', 'topic'])
    this.parked = counter('curfew_consumer_parked_total', 'Records kept aside because they could not be handled, by service, topic and problem code.', ['service', 'topic', 'reason'])
  }

  handled(service: string, topic: string): void {
    this.done.inc({ service, topic })
  }

  /** The delivery tells its log of every retry (with `afterMs`) and of every parking (with `reason`); what it says is counted on the way. */
  listeningOn(log: ServiceLog, service: string): DeliveryLog {
    return {
      info: (fields, message) => log.info(fields, message),
      warn: (fields, message) => {
        const { topic, afterMs } = fields as { topic?: string; afterMs?: number }
        if (topic !== undefined && afterMs !== undefined) this.retried.inc({ service, topic })
        log.warn({ service, ...fields }, message)
      },
      error: (fields, message) => {
        const { topic, reason } = fields as { topic?: string; reason?: string }
        if (topic !== undefined && reason !== undefined) this.parked.inc({ service, topic, reason })
        log.error({ service, ...fields }, message)
      },
    }
  }
}
