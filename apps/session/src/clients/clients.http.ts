import { clientRequest, identifier, type client } from '@curfew/contracts'
import { toIso } from '@curfew/kernel'
import { Access, accepting, CurrentCaller, idempotencyOf, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Put, Req, Res } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { OAuthClient } from './change-client.js'
import { ClientsHandler } from './clients.handler.js'

type ClientAnswer = z.infer<typeof client>

/** Only administrators manage clients, so nobody grants a scope he lacks. */
@Controller()
export class ClientsHttp {
  constructor(private readonly clients: ClientsHandler) {}

  /** 201 for a client that is new. `clientSecret` is in this answer or in none. */
  @Put('v1/clients/:clientId')
  @Access('admin')
  async change(
    @Param('clientId', accepting(identifier())) clientId: string, @Body(accepting(clientRequest)) change: z.infer<typeof clientRequest>,
    @CurrentCaller() caller: KnownCaller, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientAnswer> {
    const { client, isNew, secret } = await this.clients.change({ caller, clientId, change, idempotencyKey: idempotencyOf(request) })
    void reply.status(isNew ? HttpStatus.CREATED : HttpStatus.OK)
    return { ...presentClient(client), ...(secret !== undefined && { clientSecret: secret.reveal() }) }
  }

  @Get('v1/clients/:clientId')
  @Access('admin')
  async show(@Param('clientId', accepting(identifier())) clientId: string, @CurrentCaller() { tenant }: KnownCaller): Promise<ClientAnswer> {
    return presentClient(await this.clients.show(tenant, clientId))
  }

  @Delete('v1/clients/:clientId')
  @Access('admin')
  @HttpCode(HttpStatus.NO_CONTENT)
  remove(@Param('clientId', accepting(identifier())) clientId: string, @CurrentCaller() { tenant }: KnownCaller): Promise<void> {
    return this.clients.remove(tenant, clientId)
  }
}

const presentClient = ({ clientId, tenant, name, scopes, enabled, createdAt }: OAuthClient): ClientAnswer =>
  ({ clientId, tenant, name, scopes: [...scopes], enabled, createdAt: toIso(createdAt) })
