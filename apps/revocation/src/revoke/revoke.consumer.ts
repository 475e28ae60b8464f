import type { ReceivedEvent } from '@curfew/bus'
import { events, Fault, topics, type RevocationCommand } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import { currentTraceparent, ServiceSettings } from '@curfew/service-kit'
import { Controller } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import type { QuarantineCommand } from '../quarantine/quarantine.js'
import { QuarantineHandler } from '../quarantine/quarantine.handler.js'
import { RevokeHandler } from './revoke.handler.js'

export const TRANSPORT = Symbol('revocation')

/** Commands from the topic: the same decisions as over HTTP. Whoever may write to the topic is authorised by its ACL; a tenant must still be ours. */
@Controller()
export class RevokeConsumer {
  constructor(private readonly revoke: RevokeHandler, private readonly quarantine: QuarantineHandler, private readonly settings: ServiceSettings) {}

  @EventPattern<string>(topics.revocationCommands.name, TRANSPORT)
  async on(@Payload() event: ReceivedEvent): Promise<void> {
    if (!this.settings.tenants.includes(event.tenant)) throw new Fault('tenant.unknown', { detail: 'no tenant of this deployment' })
    if (event.spec === events.quarantineRequested) return this.onQuarantine(event.tenant, event.data as QuarantineCommand)
    return this.onRevocation(event.tenant, event.data as RevocationCommand)
  }

  private onQuarantine(tenant: TenantId, command: QuarantineCommand): Promise<void> {
    return this.quarantine.handle(tenant, { ...command, id: command.id.toLowerCase() })
  }

  private async onRevocation(tenant: TenantId, { id, initiator, cause, ...request }: RevocationCommand): Promise<void> {
    // Only an administrator may name a key of every tenant, and a record proves nobody to be one.
    if (request.scope.kind === 'key' && request.scope.everyTenant === true) throw new Fault('auth.scope', { detail: 'a key of every tenant is named over HTTP only' })
    await this.revoke.handle({ id: id.toLowerCase(), tenant, request, initiator, ...(cause === undefined ? {} : { cause }) }, currentTraceparent())
  }
}
