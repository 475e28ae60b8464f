import type { SessionRequest } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import type { InventoriedSession } from '../inventory/inventoried-session.js'
import { SessionStore } from '../store/session.store.js'
import { issueSession } from './issue-session.js'

/** Begins a session on what the tenant has: the parent it names. The issuer it may omit is the deployment's, as for every service. */
@Injectable()
export class Grounds {
  constructor(private readonly sessions: SessionStore, private readonly settings: ServiceSettings) {}

  async begin(tx: Tx, tenant: TenantId, request: SessionRequest, id: string): Promise<InventoriedSession> {
    const { issuer, maxSessionAgeMs, clockSkewMs: skewMs } = this.settings
    const { parentSessionId } = request
    const parent = parentSessionId === undefined ? undefined : await this.sessions.find(tx, tenant, parentSessionId)
    return issueSession({ id, tenant, request, parent }, tx.now, { issuer, maxSessionAgeMs, skewMs })
  }
}
