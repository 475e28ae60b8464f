import type { TokenFacts } from '@curfew/denylist'
import type { Database } from '@curfew/persistence'
import { CallerVerdicts } from '@curfew/service-kit'
import type { CallerVerdictsStore } from '../store/caller-verdicts.store.js'

/**
 * Judges this service's own callers by its database: a caller is refused from the commit of its revocation on, by every instance, also while
 * Kafka is down. Never stale; while PostgreSQL is down it is Fault `dependency.unavailable`, and nothing could be accepted then anyway.
 */
export class DatabaseCallerVerdicts extends CallerVerdicts {
  constructor(private readonly database: Database, private readonly store: CallerVerdictsStore) {
    super()
  }

  async verdictOn(facts: TokenFacts): Promise<'allowed' | 'revoked'> {
    return (await this.store.isDead(this.database, facts)) ? 'revoked' : 'allowed'
  }
}
