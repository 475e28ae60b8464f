import { Fault, type Revocation } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { Access, CurrentCaller, type KnownCaller } from '@curfew/service-kit'
import { Controller, Get, Param } from '@nestjs/common'
import { validate } from 'uuid'
import { RevocationsStore } from '../store/revocations.store.js'
import { present } from './present.js'

@Controller()
export class ShowRevocationHttp {
  constructor(private readonly revocations: RevocationsStore, private readonly database: Database) {}

  /** What is no id at all, and what is another tenant's, is as unknown as what never was. */
  @Get('v1/revocations/:id')
  @Access('revocations:read')
  async show(@Param('id') id: string, @CurrentCaller() { tenant }: KnownCaller): Promise<Revocation> {
    const found = validate(id) ? await this.database.transact(tenant, (tx) => this.revocations.find(tx, tenant, id)) : undefined
    if (found === undefined) throw new Fault('revocation.unknown')
    return present(found)
  }
}
