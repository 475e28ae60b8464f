import type { ReceivedEvent } from '@curfew/bus'
import { events, Fault, topics, type RevocationRecord } from '@curfew/contracts'
import { ServiceSettings } from '@curfew/service-kit'
import { Controller } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { TRANSPORT } from '../transport.js'
import { EndSessionsHandler } from './end-sessions.handler.js'

/** Follows the revocations. Watermarks and quarantines say nothing about the inventory: a held agent's sessions live on when it is released. */
@Controller()
export class EndSessionsConsumer {
  constructor(private readonly ending: EndSessionsHandler, private readonly settings: ServiceSettings) {}

  @EventPattern<string>(topics.revocations.name, TRANSPORT)
  async on(@Payload() event: ReceivedEvent): Promise<void> {
    if (event.type !== events.revocationDecided.type) return
    const record = event.data as RevocationRecord
    // A key of every tenant has no tenant of its own, and ends no session.
    if (record.everyTenant === true) return
    if (!this.settings.tenants.includes(event.tenant)) throw new Fault('tenant.unknown')
    await this.ending.handle(event, record)
  }
}
