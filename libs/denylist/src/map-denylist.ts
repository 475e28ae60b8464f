import type { Instant, TenantId } from '@curfew/kernel'
import { checkRevocation, forgetMarginMs, type Denylist, type LiveRevocation, type Verdict } from './denylist.js'
import { cutoffFor, entryOf, mergeEntries, type Entry } from './entry.js'
import type { TokenFacts } from './facts.js'
import { holds, laterFlag, type QuarantineFlag } from './quarantine.js'
import { selectorOf, selectorsOf } from './selector.js'

/**
 * The denylist as plain maps: the model that says what every faster shape must answer. Applying is idempotent and indifferent to
 * order (I1). It is not bounded: forgetting is the caller's to schedule.
 */
export class MapDenylist implements Denylist {
  private readonly entries = new Map<string, Entry>()
  private readonly flags = new Map<string, QuarantineFlag>()
  /** Grows whenever an answer may have changed, so that a verdict can be kept while it stands still. */
  version = 0

  get size(): number {
    return this.entries.size
  }

  apply(revocation: LiveRevocation): void {
    checkRevocation(revocation)
    const selector = selectorOf(revocation.tenant, revocation.scope)
    const added = entryOf(revocation.cutoff, revocation.except, revocation.forgetAfter)
    const known = this.entries.get(selector)
    this.entries.set(selector, known === undefined ? mergeEntries(added, added) : mergeEntries(known, added))
    this.version += 1
  }

  applyQuarantine(flag: QuarantineFlag): void {
    const key = flagKey(flag.tenant, flag.agentId)
    const known = this.flags.get(key)
    this.flags.set(key, known === undefined ? flag : laterFlag(known, flag))
    this.version += 1
  }

  /** Asked on every request; synchronous, so that no I/O can hide in it. Began-at equal to the cutoff is dead (I3). */
  verdictOn(facts: TokenFacts, now: Instant): Verdict {
    const lineage = facts.hops.flatMap((hop) => (hop.sessionId === undefined ? [] : [hop.sessionId]))
    for (const selector of selectorsOf(facts)) {
      const entry = this.entries.get(selector)
      if (entry !== undefined && facts.beganAt <= cutoffFor(entry, lineage)) return 'revoked'
    }
    return facts.hops.some((hop) => this.isHeld(facts.tenant, hop.agentId, now)) ? 'revoked' : 'allowed'
  }

  private isHeld(tenant: TenantId, agentId: string | undefined, now: Instant): boolean {
    const flag = agentId === undefined ? undefined : this.flags.get(flagKey(tenant, agentId))
    return flag !== undefined && holds(flag, now)
  }

  /** Takes in everything another denylist knows, as a snapshot is taken in. */
  merge(other: MapDenylist): void {
    for (const [selector, entry] of other.entries) {
      const known = this.entries.get(selector)
      this.entries.set(selector, known === undefined ? entry : mergeEntries(known, entry))
    }
    for (const flag of other.flags.values()) this.applyQuarantine(flag)
    this.version += 1
  }

  /** Drops what nothing can match any more: only once the clock and the watermark are both past forget-after plus the margin (I8). */
  forget(now: Instant, watermark: Instant): number {
    const passed = Math.min(now, watermark) - forgetMarginMs
    const gone = (forgetAfter: Instant) => forgetAfter < passed
    const before = this.entries.size + this.flags.size
    for (const [selector, entry] of this.entries) if (gone(entry.forgetAfter)) this.entries.delete(selector)
    for (const [key, flag] of this.flags) if (gone(flag.forgetAfter) && !holds(flag, now)) this.flags.delete(key)
    return before - this.entries.size - this.flags.size
  }

  /** Everything it knows as plain JSON values, in one order whatever the order of arrival. */
  snapshot(): DenylistSnapshot {
    const byKey = <T>(a: readonly [string, T], b: readonly [string, T]) => (a[0] < b[0] ? -1 : 1)
    const finite = (cutoff: number): number | null => (Number.isFinite(cutoff) ? cutoff : null)
    return {
      version: 1,
      entries: [...this.entries].sort(byKey).map(([selector, entry]) => ({
        selector, cutoff: finite(entry.cutoff), forgetAfter: entry.forgetAfter,
        exceptions: [...entry.exceptions].sort(byKey).map(([id, cutoff]) => [id, finite(cutoff)] as const),
      })),
      flags: [...this.flags].sort(byKey).map(([, flag]) => flag),
    }
  }

  static restore(snapshot: DenylistSnapshot): MapDenylist {
    const denylist = new MapDenylist()
    for (const entry of snapshot.entries) {
      denylist.entries.set(entry.selector, {
        // Null is absolute in a default and "killed by nothing" in an exception: the two never meet.
        cutoff: entry.cutoff ?? Number.POSITIVE_INFINITY, forgetAfter: entry.forgetAfter as Instant,
        exceptions: new Map(entry.exceptions.map(([id, cutoff]) => [id, cutoff ?? Number.NEGATIVE_INFINITY])),
      })
    }
    for (const flag of snapshot.flags) denylist.applyQuarantine(flag)
    return denylist
  }
}

export interface DenylistSnapshot {
  readonly version: 1
  readonly entries: readonly {
    readonly selector: string
    readonly cutoff: number | null
    readonly exceptions: readonly (readonly [string, number | null])[]
    readonly forgetAfter: number
  }[]
  readonly flags: readonly QuarantineFlag[]
}

const flagKey = (tenant: TenantId, agentId: string): string => JSON.stringify([tenant, agentId])
