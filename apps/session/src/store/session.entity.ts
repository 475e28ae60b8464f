import type { Initiator } from '@curfew/contracts'
import type { Instant, TenantId } from '@curfew/kernel'
import { EntitySchema } from 'typeorm'
import type { InventoriedSession, ParentHop } from '../inventory/inventoried-session.js'
import { instantTransformer } from './instant-column.js'

/** One row of `sessions`: never deleted by ending, so that the inventory says who ended it and why. */
export interface SessionRow {
  tenant: TenantId
  id: string
  kind: InventoriedSession['kind']
  issuer: string
  sub: string
  clientId: string
  deviceId: string | null
  deviceName: string | null
  userAgent: string | null
  ipAddress: string | null
  authMethods: string[]
  agentId: string | null
  grantId: string | null
  parentSessionId: string | null
  hops: ParentHop[]
  beganAt: Instant
  authenticatedAt: Instant
  lastActiveAt: Instant
  expiresAt: Instant
  endedAt: Instant | null
  endReason: string | null
  endedBy: Initiator | null
  revocationId: string | null
}

const at = (name: string, nullable = false) => ({ type: 'timestamptz', precision: 3, name, nullable, transformer: instantTransformer }) as const
const text = (name: string, nullable = false) => ({ type: 'text', name, nullable }) as const

export const SessionEntity = new EntitySchema<SessionRow>({
  name: 'Session', tableName: 'sessions',
  columns: {
    tenant: { type: 'text', primary: true }, id: { type: 'uuid', primary: true }, kind: text('kind'), issuer: text('issuer'), sub: text('sub'), clientId: text('client_id'),
    deviceId: text('device_id', true), deviceName: text('device_name', true), userAgent: text('user_agent', true), ipAddress: text('ip_address', true),
    authMethods: { type: 'text', array: true, name: 'auth_methods' }, agentId: text('agent_id', true), grantId: text('grant_id', true),
    parentSessionId: { type: 'uuid', name: 'parent_session_id', nullable: true }, hops: { type: 'jsonb' }, beganAt: at('began_at'), authenticatedAt: at('authenticated_at'),
    lastActiveAt: at('last_active_at'), expiresAt: at('expires_at'), endedAt: at('ended_at', true), endReason: text('end_reason', true),
    endedBy: { type: 'jsonb', name: 'ended_by', nullable: true }, revocationId: { type: 'uuid', name: 'revocation_id', nullable: true },
  },
})

export function sessionOfRow(row: SessionRow): InventoriedSession {
  const { tenant, id, kind, issuer, sub, clientId, deviceId, deviceName, userAgent, ipAddress, authMethods, agentId, grantId, parentSessionId, hops } = row
  const { beganAt, authenticatedAt, lastActiveAt, expiresAt, endedAt, endReason, endedBy, revocationId } = row
  return {
    tenant, id, kind, subject: { issuer, sub }, clientId, device: deviceId === null ? null : { id: deviceId, ...(deviceName !== null && { name: deviceName }) },
    userAgent, ipAddress, authMethods, agentId, grantId, parentSessionId, hops, beganAt, authenticatedAt, lastActiveAt, expiresAt,
    ended: endedAt === null || endReason === null || endedBy === null || revocationId === null ? null : { at: endedAt, reason: endReason, by: endedBy, revocationId },
  }
}
