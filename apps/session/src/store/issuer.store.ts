import { Fault } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import { Not } from 'typeorm'
import type { TrustedIssuerRow } from '../issuers/change-issuer.js'
import { IssuerEntity } from './issuer.entity.js'

/** The issuers a tenant trusts. */
@Injectable()
export class IssuerStore {
  async find(tx: Tx, tenant: TenantId, id: string): Promise<TrustedIssuerRow | undefined> {
    return (await tx.manager.findOneBy(IssuerEntity, { tenant, id })) ?? undefined
  }

  /** Waits for whoever else changes this tenant's issuers, so that one issuer never has two ids. */
  async lock(tx: Tx, tenant: TenantId): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('curfew.session.issuers' || $1, 0))`, [tenant])
  }

  /** Needs `lock`. Fault `issuer.taken` when another id of the tenant has this issuer. */
  async save(tx: Tx, row: TrustedIssuerRow): Promise<void> {
    const { tenant, id, issuer } = row
    if (await tx.manager.existsBy(IssuerEntity, { tenant, issuer, id: Not(id) })) throw new Fault('issuer.taken')
    await tx.manager.upsert(IssuerEntity, { ...row, audiences: [...row.audiences] }, ['tenant', 'id'])
  }
}
