import { Fault, holdsScope, revocationRequest, revocationWait, type Revocation, type RevocationRequest } from '@curfew/contracts'
import { Access, accepting, CurrentCaller, currentTraceparent, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, Headers, Post, Query, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { v7 } from 'uuid'
import type { z } from 'zod'
import { present } from '../show-revocation/present.js'
import { permissionFor } from './revoke.js'
import { KeyedRevoke } from './keyed-revoke.handler.js'
import { WaitForPublished } from './wait-for-published.handler.js'

@Controller()
export class RevokeHttp {
  constructor(private readonly revoke: KeyedRevoke, private readonly publication: WaitForPublished) {}

  /** 201 when what was waited for has happened, 202 with the state reached when the time ran out. Nothing is rolled back. */
  @Post('v1/revocations')
  @Access('revocations:write', 'revocations:write:wide')
  async accept(
    @Body(accepting(revocationRequest)) request: RevocationRequest, @Query(accepting(revocationWait)) { wait, timeoutMs }: z.infer<typeof revocationWait>,
    @CurrentCaller() caller: KnownCaller, @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Revocation> {
    const needed = permissionFor(request.scope)
    if (!holdsScope(caller.scopes, needed)) throw new Fault('auth.scope', { detail: `this scope needs ${needed}` })
    const { tenant, clientId: client, initiator } = caller
    const accepted = await this.revoke.handle({ id: v7(), tenant, request, initiator }, currentTraceparent(), key === undefined ? undefined : { client, key: keyText(key), request })
    const reached = wait === 'published' ? await this.publication.wait(accepted, timeoutMs) : accepted.revocation
    const revocation = present(reached)
    void reply.status(wait === 'published' && revocation.state !== 'published' ? 202 : 201)
    return revocation
  }
}

/** Visible ASCII, as the keys of every client library are. */
function keyText(key: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new Fault('request.invalid', { detail: 'Idempotency-Key holds 1 to 255 visible ASCII characters' })
  return key
}
