import type { Instant, TenantId } from '@curfew/kernel'

/** A reversible hold on an agent. A release is a flag too, and stays as a tombstone so that a late duplicate cannot bring the hold back (I1). */
export interface QuarantineFlag {
  readonly tenant: TenantId
  readonly agentId: string
  readonly version: number
  readonly quarantined: boolean
  readonly until: Instant | null
  readonly forgetAfter: Instant
}

/** The flag with the higher version. Versions are unique per agent; a repeat of one changes nothing. */
export const laterFlag = (a: QuarantineFlag, b: QuarantineFlag): QuarantineFlag => (b.version > a.version ? b : a)

/** Whether the hold is in force at this instant; it ends by itself at `until`. */
export const holds = (flag: QuarantineFlag, now: Instant): boolean => flag.quarantined && (flag.until === null || now < flag.until)
