import type { TokenFacts } from './facts.js'
import type { Fingerprinter } from './fingerprint.js'
import { selectorOf, namedSelectorsOf } from './selector.js'
import type { Verdict } from './denylist.js'
import { tableOf } from './shared/layout.js'

/**
 * What a verified token asks the denylist, hashed once: keep it beside the token. It belongs to one thread, remembers the last verdict and the
 * version that gave it, and holds no name in the clear.
 */
export interface PreparedFacts {
  readonly beganAt: number
  /** Four words a probe: table and fingerprint. */
  readonly probes: Int32Array
  /** Fingerprints of the sessions it rests on, three words each: whoever spares one of them spares the token (I7). */
  readonly lineage: Int32Array
  judgedBy: unknown
  judgedAt: number
  verdict: Verdict
}

export function prepareFacts(facts: TokenFacts, fingerprints: Fingerprinter): PreparedFacts {
  const named = namedSelectorsOf(facts)
  const probes = new Int32Array(named.length * 4)
  let at = 0
  for (const { kind, text } of named) {
    probes[at] = tableOf[kind]
    fingerprints.write(text, probes, at + 1)
    at += 4
  }
  return { beganAt: facts.beganAt, probes, lineage: lineageOf(facts, fingerprints), judgedBy: undefined, judgedAt: 0, verdict: 'allowed' }
}

function lineageOf(facts: TokenFacts, fingerprints: Fingerprinter): Int32Array {
  const sessions = facts.hops.flatMap((hop) => (hop.sessionId === undefined ? [] : [hop.sessionId]))
  const lineage = new Int32Array(sessions.length * 3)
  sessions.forEach((id, i) => fingerprints.write(selectorOf(facts.tenant, { kind: 'session', id }), lineage, i * 3))
  return lineage
}
