import { Fault } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import { Not } from 'typeorm'
import type { TrustedIssuerRow } from '../issuers/change-issuer.js'
import { IssuerEntity } from './issuer.entity.js'

/** The issuers a tenant trusts. At most one of them is its default. */
@Injectable()
export class IssuerStore {
  async find(tx: Tx, tenant: TenantId, id: string): Promise<TrustedIssuerRow | undefined> {
    return (await tx.manager.findOneBy(IssuerEntity, { tenant, id })) ?? undefined
  }

  /** The issuer meant where a subject names none; undefined when the tenant has not chosen one. */
  async defaultOf(tx: Tx, tenant: TenantId): Promise<string | undefined> {
    const [row] = await tx.query<{ issuer: string }>('SELECT issuer FROM issuers WHERE tenant = $1 AND is_default', [tenant])
    return row?.issuer
  }

  /** Waits for whoever else changes this tenant's issuers, so that two defaults never meet. */
  async lock(tx: Tx, tenant: TenantId): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('curfew.session.issuers' || $1, 0))`, [tenant])
  }

  /** Needs `lock`. Fault `issuer.taken` when another id of the tenant has this issuer. */
  async save(tx: Tx, row: TrustedIssuerRow): Promise<void> {
    const { tenant, id, issuer } = row
    if (await tx.manager.existsBy(IssuerEntity, { tenant, issuer, id: Not(id) })) throw new Fault('issuer.taken')
    if (row.isDefault) await tx.manager.update(IssuerEntity, { tenant, isDefault: true, id: Not(id) }, { isDefault: false })
    await tx.manager.upsert(IssuerEntity, { ...row, audiences: [...row.audiences] }, ['tenant', 'id'])
  }
}
