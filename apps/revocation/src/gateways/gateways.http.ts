import { Fault, gatewayRegistration, holdsScope, identifier, type Gateway, type GatewayLease, type GatewayRegistration } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { Access, accepting, Cursors, CurrentCaller, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { GatewaysStore } from '../store/gateways.store.js'
import { presentGateway, type FleetMember } from './lease.js'
import { RegisterGateway } from './register-gateway.handler.js'

const page = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(512).optional() })
const gatewayId = accepting(identifier())

/** The fleet of the caller's tenant. A gateway belongs to the client that registered it; to others it is unknown when they would change it. */
@Controller('v1/gateways')
export class GatewaysHttp {
  constructor(private readonly registration: RegisterGateway, private readonly gateways: GatewaysStore, private readonly database: Database, private readonly cursors: Cursors) {}

  /** 201 for a registration, also one after a lapse; 200 for a renewal. */
  @Put(':id')
  @Access('gateway')
  async register(
    @Param('id', gatewayId) id: string, @Body(accepting(gatewayRegistration)) body: GatewayRegistration,
    @CurrentCaller() { tenant, clientId }: KnownCaller, @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GatewayLease> {
    const { lease, isNew } = await this.registration.register(tenant, id, clientId, body)
    void reply.status(isNew ? 201 : 200)
    return lease
  }

  @Delete(':id')
  @Access('gateway')
  @HttpCode(204)
  async leave(@Param('id', gatewayId) id: string, @CurrentCaller() { tenant, clientId, scopes }: KnownCaller): Promise<void> {
    await this.database.transact(tenant, async (tx) => {
      const member = await this.gateways.find(tx, tenant, id)
      if (member === undefined || !(member.clientId === clientId || holdsScope(scopes, 'admin'))) throw new Fault('gateway.unknown')
      await this.gateways.remove(tx, tenant, id)
    })
  }

  @Get()
  @Access('fleet:read')
  async list(@Query(accepting(page)) { limit, cursor }: z.infer<typeof page>, @CurrentCaller() { tenant }: KnownCaller): Promise<{ items: Gateway[]; nextCursor: string | null }> {
    const name = `gateways ${tenant}`
    const [after = '0'] = this.cursors.decode(cursor, name) ?? []
    const { found, now } = await this.database.transact(tenant, async (tx) => ({ found: await this.gateways.list(tx, tenant, String(after), limit + 1), now: tx.now }))
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    const nextCursor = found.length > limit && last !== undefined ? this.cursors.encode([last.place], name) : null
    return { items: shown.map(({ member }) => presentGateway(member, now)), nextCursor }
  }

  @Get(':id')
  @Access('fleet:read')
  async show(@Param('id', gatewayId) id: string, @CurrentCaller() { tenant }: KnownCaller): Promise<Gateway> {
    const { member, now } = await this.database.transact(tenant, async (tx): Promise<{ member: FleetMember | undefined; now: typeof tx.now }> =>
      ({ member: await this.gateways.find(tx, tenant, id), now: tx.now }))
    if (member === undefined) throw new Fault('gateway.unknown')
    return presentGateway(member, now)
  }
}
