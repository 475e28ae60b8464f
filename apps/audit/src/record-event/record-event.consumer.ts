import type { ReceivedEvent } from '@curfew/bus'
import { topics } from '@curfew/contracts'
import { Controller } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { Counter, Registry } from 'prom-client'
import { RecordEventHandler } from './record-event.handler.js'

export const TRANSPORT = Symbol('curfew.audit')

const ownOutput: readonly string[] = [topics.audit.name, topics.alerts.name]

/** Every topic but the trail's own output, which would feed on itself; what could not be processed is the operators' (`curfew parked`). */
export const recordedTopics = Object.values(topics).map(({ name }) => name).filter((name) => !ownOutput.includes(name))

/** Records every event there is. What cannot be recorded is parked with its reason, and the stream goes on. */
@Controller()
export class RecordEventConsumer {
  private readonly events: Counter

  constructor(private readonly handler: RecordEventHandler, registry: Registry) {
    this.events = new Counter({
      name: 'curfew_audit_events_total', help: 'Events taken from the topics, by what became of them; watermarks are counted and not kept.',
      labelNames: ['topic', 'outcome'], registers: [registry],
    })
  }

  @EventPattern<readonly string[]>(recordedTopics, TRANSPORT)
  async on(@Payload() event: ReceivedEvent): Promise<void> {
    const outcome = await this.handler.handle(event)
    this.events.inc({ topic: event.record.topic, outcome })
  }
}
