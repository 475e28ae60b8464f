import type { ReceivedEvent } from '@curfew/bus'
import { topics } from '@curfew/contracts'
import { Controller } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { signalOfRecord } from './incoming.js'
import { ReceiveSignalHandler } from './receive-signal.handler.js'

export const TRANSPORT = Symbol('curfew.lifecycle')

/** Signals from the topic. What is refused is parked with its reason; duplicates pass without effect. */
@Controller()
export class ReceiveSignalConsumer {
  constructor(private readonly handler: ReceiveSignalHandler) {}

  @EventPattern<string>(topics.lifecycle.name, TRANSPORT)
  async on(@Payload() event: ReceivedEvent): Promise<void> {
    await this.handler.handle({ tenant: event.tenant, signals: [signalOfRecord(event)], announce: false })
  }
}
