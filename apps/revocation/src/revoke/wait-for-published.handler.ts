import type { TenantId } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import type { RevocationsStore } from '../store/revocations.store.js'
import type { AcceptedRevocation } from './accepted-revocation.js'
import type { Accepted } from './revoke.handler.js'

/** Between looks at a revocation that another request, or another instance, is publishing: doubling, so that repeats that wait for a log that is away cost little. */
const firstLookMs = 20
const slowestLookMs = 500

/** Waits until a revocation is published, for at most so long, and answers how far it has come. It never fails because of the log. */
export class WaitForPublished {
  constructor(private readonly database: Database, private readonly revocations: RevocationsStore) {}

  async wait(accepted: Accepted, timeoutMs: number): Promise<AcceptedRevocation> {
    const { revocation, published } = accepted
    if (revocation.publishedAt !== undefined) return revocation
    if (published === undefined) return this.look(revocation, timeoutMs)
    const timer = deadline(timeoutMs)
    const publishedAt = await Promise.race([published, timer.passed]).finally(timer.clear)
    return publishedAt === undefined ? revocation : { ...revocation, publishedAt }
  }

  /** A repeat has no ticket of its own: it asks the database, which learns of it whoever publishes. */
  private async look(revocation: AcceptedRevocation, timeoutMs: number): Promise<AcceptedRevocation> {
    const { tenant, id } = revocation.record
    const timer = deadline(timeoutMs)
    let current = revocation
    for (let pauseMs = firstLookMs; current.publishedAt === undefined && !timer.isPassed(); pauseMs = Math.min(2 * pauseMs, slowestLookMs)) {
      await Promise.race([sleep(pauseMs), timer.passed])
      current = (await this.database.transact(tenant as TenantId, (tx) => this.revocations.find(tx, tenant as TenantId, id))) ?? current
    }
    timer.clear()
    return current
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function deadline(ms: number): { passed: Promise<undefined>; isPassed(): boolean; clear(): void } {
  let isPassed = false
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      isPassed = true
      resolve(undefined)
    }, ms)
  })
  return { passed, isPassed: () => isPassed, clear: () => clearTimeout(timer) }
}
