import { Fault, normalInstant, readInstant, revocationsRetentionMs, type Initiator, type QuarantineRecord, type Reason } from '@curfew/contracts'
import { forgetMarginMs } from '@curfew/denylist'
import { instant, toIso, type Instant, type TenantId } from '@curfew/kernel'

export interface QuarantineCommand {
  readonly id: string
  readonly agentId: string
  readonly quarantined: boolean
  readonly until?: string
  readonly initiator: Initiator
  readonly reason?: Reason
}

const unspecified: Reason = { code: 'unspecified' }

/**
 * Decides a hold or a release at the primary's instant. Its version is past the last one and no lower than the clock in microseconds, so that
 * versions grow even when a restored database forgot some (PROTOCOL section 1). A release is kept as long as the topic keeps what it undoes.
 */
export function quarantine(tenant: TenantId, command: QuarantineCommand, lastVersion: number, now: Instant): QuarantineRecord {
  const { agentId, quarantined, initiator, reason = unspecified } = command
  const until = command.until === undefined || !quarantined ? undefined : normalInstant(command.until)
  if (until !== undefined && readInstant(until) <= now) throw new Fault('event.invalid', { errors: [{ pointer: '/until', message: 'must lie in the future' }] })
  const keptFrom = Math.max(now, until === undefined ? now : readInstant(until))
  return {
    tenant, agentId, version: Math.max(lastVersion + 1, now * 1000), quarantined, ...(until === undefined ? {} : { until }),
    forgetAfter: toIso(instant(keptFrom + revocationsRetentionMs + forgetMarginMs)), initiator, reason,
  }
}
