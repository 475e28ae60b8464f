import type { ReceivedEvent } from '@curfew/bus'
import { events, Fault, topics, type RevocationRecord } from '@curfew/contracts'
import { ServiceSettings } from '@curfew/service-kit'
import { Controller } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { EndSessionsHandler } from '../end-sessions/end-sessions.handler.js'
import { ReplaceKeyHandler } from '../keys/replace-key.handler.js'
import { TRANSPORT } from '../transport.js'

/** Follows the revocations. Watermarks and quarantines say nothing about the inventory: a held agent's sessions live on when it is released. */
@Controller()
export class FollowRevocationsConsumer {
  constructor(private readonly ending: EndSessionsHandler, private readonly keys: ReplaceKeyHandler, private readonly settings: ServiceSettings) {}

  @EventPattern<string>(topics.revocations.name, TRANSPORT)
  async on(@Payload() event: ReceivedEvent): Promise<void> {
    if (event.type !== events.revocationDecided.type) return
    const record = event.data as RevocationRecord
    if (!this.settings.tenants.includes(event.tenant)) throw new Fault('tenant.unknown')
    if (record.tenant !== event.tenant) throw new Fault('event.invalid', { detail: 'the record and its envelope name different tenants' })
    if (record.scope.kind === 'key') await this.keys.handle(record.scope, record.everyTenant === true)
    else await this.ending.handle(event, record)
  }
}
