import type { Instant } from '@curfew/kernel'
import type { TokenFacts } from './facts.js'
import type { QuarantineFlag } from './quarantine.js'
import { absoluteKinds, type Scope } from './scope.js'
import type { SelectorTenant } from './selector.js'

export type Verdict = 'allowed' | 'revoked'

/** A decided revocation as every reader of the feed sees it. `cutoff` is null exactly where the scope is absolute. */
export interface LiveRevocation {
  readonly tenant: SelectorTenant
  readonly scope: Scope
  readonly cutoff: Instant | null
  readonly except: readonly string[]
  readonly forgetAfter: Instant
}

/**
 * Longest slip between the clocks that set and that check forget-after: an hour costs a little memory and forgives a badly set clock.
 * Nothing is dropped before both the clock and the watermark are past it (I8).
 */
export const forgetMarginMs = 3_600_000

/** What every shape of the denylist promises; `denylist.contract.ts` holds each to it. */
export interface Denylist {
  /** Idempotent and indifferent to order (I1). */
  apply(revocation: LiveRevocation): void
  applyQuarantine(flag: QuarantineFlag): void
  /** Asked on every request; synchronous, so that no I/O can hide in it. Began-at equal to the cutoff is dead (I3). */
  verdictOn(facts: TokenFacts, now: Instant): Verdict
  /** Drops what nothing can match any more: only once the clock and the watermark are both past forget-after plus the margin (I8). Says how many. */
  forget(now: Instant, watermark: Instant): number
  /** Grows whenever an answer may have changed, so that a verdict can be kept while it stands still. */
  readonly version: number
  readonly size: number
}

/** Refuses what no decision of ours can be: a scope whose cutoff contradicts it, or one that reaches into every tenant. */
export function checkRevocation({ tenant, scope, cutoff }: LiveRevocation): void {
  if (absoluteKinds.has(scope.kind) !== (cutoff === null)) throw new RangeError(`scope ${scope.kind} and its cutoff disagree`)
  if (tenant === '*' && scope.kind !== 'key') throw new RangeError('only a signing key may be named in every tenant')
}
