import type { SessionRequest } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import type { InventoriedSession } from '../inventory/inventoried-session.js'
import { IssuerStore } from '../store/issuer.store.js'
import { SessionStore } from '../store/session.store.js'
import { issueSession } from './issue-session.js'

/** Begins a session on what the tenant has: the parent it names, and the issuer that is meant when it names none. */
@Injectable()
export class Grounds {
  constructor(private readonly sessions: SessionStore, private readonly issuers: IssuerStore, private readonly settings: ServiceSettings) {}

  async begin(tx: Tx, tenant: TenantId, request: SessionRequest, id: string): Promise<InventoriedSession> {
    const { issuer, maxSessionAgeMs, clockSkewMs: skewMs } = this.settings
    const { parentSessionId } = request
    const parent = parentSessionId === undefined ? undefined : await this.sessions.find(tx, tenant, parentSessionId)
    const defaultIssuer = request.subject.issuer ?? (await this.issuers.defaultOf(tx, tenant)) ?? issuer
    return issueSession({ id, tenant, request, defaultIssuer, parent }, tx.now, { issuer, maxSessionAgeMs, skewMs })
  }
}
