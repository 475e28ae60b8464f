import type { TokenFacts } from './facts.js'
import type { Fingerprinter } from './fingerprint.js'
import { namedSelectorsOf, selectorOf } from './selector.js'
import type { Verdict } from './denylist.js'
import { tableFor } from './shared/layout.js'

/**
 * What a verified token asks the denylist, hashed once: keep it beside the token. It belongs to one thread, remembers the last verdict and the
 * version that gave it, and holds no name in the clear.
 */
export interface PreparedFacts {
  readonly beganAt: number
  /** Four words a probe: table and fingerprint. An ordinary array lies beside its owner in memory, which a typed one does not. */
  readonly probes: readonly number[]
  /** Fingerprints of the sessions it rests on, three words each: whoever spares one of them spares the token (I7). */
  readonly lineage: readonly number[]
  judgedBy: unknown
  judgedAt: number
  verdict: Verdict
}

const name = new Int32Array(3)

export function prepareFacts(facts: TokenFacts, fingerprints: Fingerprinter): PreparedFacts {
  const probes: number[] = []
  for (const { kind, issuer, text } of namedSelectorsOf(facts)) {
    fingerprints.write(text, name, 0)
    probes.push(tableFor(kind, issuer), name[0]!, name[1]!, name[2]!)
  }
  return { beganAt: facts.beganAt, probes, lineage: lineageOf(facts, fingerprints), judgedBy: undefined, judgedAt: 0, verdict: 'allowed' }
}

function lineageOf(facts: TokenFacts, fingerprints: Fingerprinter): number[] {
  const lineage: number[] = []
  for (const { sessionId } of facts.hops) {
    if (sessionId === undefined) continue
    fingerprints.write(selectorOf(facts.tenant, { kind: 'session', id: sessionId }), name, 0)
    lineage.push(name[0]!, name[1]!, name[2]!)
  }
  return lineage
}
