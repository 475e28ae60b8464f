import { Fault, identifier, issuerRequest } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { Access, accepting, CurrentCaller, ServiceSettings, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, Get, HttpStatus, Param, Put, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { IssuerStore } from '../store/issuer.store.js'
import { changeIssuer, presentIssuer, type IssuerRequest } from './change-issuer.js'

type IssuerAnswer = ReturnType<typeof presentIssuer>

@Controller()
export class IssuersHttp {
  constructor(private readonly database: Database, private readonly issuers: IssuerStore, private readonly settings: ServiceSettings) {}

  /** 201 for an issuer that was not trusted before. */
  @Put('v1/issuers/:id')
  @Access('admin')
  async change(
    @Param('id', accepting(identifier())) id: string, @Body(accepting(issuerRequest)) request: IssuerRequest, @CurrentCaller() { tenant }: KnownCaller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IssuerAnswer> {
    // Curfew's own tokens are believed by Curfew's own keys, and no tenant names others for them.
    if (request.issuer === this.settings.issuer) throw new Fault('request.invalid', { errors: [{ pointer: '/issuer', message: 'is Curfew itself' }] })
    const { changed, isNew } = await this.database.transact(tenant, async (tx) => {
      await this.issuers.lock(tx, tenant)
      const known = await this.issuers.find(tx, tenant, id)
      const changed = changeIssuer(request, { tenant, id }, tx.now)
      await this.issuers.save(tx, changed)
      return { changed, isNew: known === undefined }
    })
    void reply.status(isNew ? HttpStatus.CREATED : HttpStatus.OK)
    return presentIssuer(changed)
  }

  @Get('v1/issuers/:id')
  @Access('admin')
  show(@Param('id', accepting(identifier())) id: string, @CurrentCaller() { tenant }: KnownCaller): Promise<IssuerAnswer> {
    return this.database.transact(tenant, async (tx) => {
      const known = await this.issuers.find(tx, tenant, id)
      if (known === undefined) throw new Fault('issuer.unknown')
      return presentIssuer(known)
    })
  }
}
