import { Fault } from '@curfew/contracts'
import { selectorsOf } from '@curfew/denylist'
import type { Tx } from '@curfew/persistence'
import { CallerVerdicts, ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import type { InventoriedSession } from '../inventory/inventoried-session.js'
import { sessionFacts } from '../inventory/session-claims.js'
import { CutoffStore } from '../store/cutoff.store.js'

/** Whether what a session rests on still stands. */
@Injectable()
export class Liveness {
  constructor(private readonly cutoffs: CutoffStore, private readonly verdicts: CallerVerdicts, private readonly settings: ServiceSettings) {}

  /**
   * Fault `session.superseded` when a known cutoff kills it (I4), `denylist.stale` when too little is known to say. The feed is asked as
   * every gateway asks it; our own cutoffs are asked under their locks, so that none is added unseen before this transaction commits.
   */
  async assertAlive(tx: Tx, session: InventoriedSession): Promise<void> {
    const facts = sessionFacts(session, this.settings.issuer)
    const [known, followed] = await Promise.all([this.cutoffs.verdictOn(tx, facts, selectorsOf(facts)), this.verdicts.verdictOn(facts)])
    if (known === 'revoked' || followed === 'revoked') throw new Fault('session.superseded')
    if (followed === 'stale') throw new Fault('denylist.stale')
  }
}
