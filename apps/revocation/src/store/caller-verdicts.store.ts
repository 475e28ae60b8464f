import { selectorsOf, type TokenFacts } from '@curfew/denylist'
import { toIso } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import { selectorHash } from '../revoke/accepted-revocation.js'

/** What nobody's session is called, so that a token without one is asked for as a lineage nobody spared. */
const nobody = ''

/**
 * Whether these facts are dead by what is committed. It reads revocations, not merged entries: a merged entry kills a lineage exactly when each of
 * its sessions is reached by some revocation of the selector that does not spare it, since the cutoff of one session is the maximum over those
 * that do not spare it, and that of a lineage the minimum over its sessions (`cutoffFor`). So the path that accepts revocations
 * writes no second row and waits for no other, and a verdict costs one index probe for each selector; more only where sessions are spared.
 * A held agent is asked for beside it: the flag with the highest version holds. The probes are sub-selects with a limit, which PostgreSQL does not turn into joins over the whole table.
 */
const question = `SELECT coalesce((SELECT bool_or(named.is_dead) FROM (
  SELECT (SELECT bool_and((
      SELECT true FROM revocations WHERE live AND selector_hash = probe.hash AND cutoff >= $4 AND selector = probe.selector
        AND NOT jsonb_exists((record->'except')::jsonb, lineage.id) LIMIT 1) IS NOT NULL)
    FROM unnest($3::text[]) AS lineage (id)) AS is_dead
  FROM unnest($1::bytea[], $2::text[]) AS probe (hash, selector)) AS named), false)
OR EXISTS (SELECT FROM unnest($6::text[]) AS agent (id), LATERAL (
    SELECT record FROM quarantines WHERE tenant = $5 AND agent_id = agent.id ORDER BY version DESC LIMIT 1) AS flag
  WHERE (flag.record->>'quarantined')::boolean AND (flag.record->>'until' IS NULL OR (flag.record->>'until')::timestamptz > clock_timestamp())) AS dead`

export class CallerVerdictsStore {
  /** Over every tenant: a key of every tenant is in the row of the tenant whose administrator named it. Each selector names its own tenant. */
  async isDead(database: Database, facts: TokenFacts): Promise<boolean> {
    const { tenant, hops, beganAt } = facts
    const selectors = selectorsOf(facts)
    const lineage = hops.flatMap(({ sessionId }) => sessionId ?? [])
    const agents = hops.flatMap(({ agentId }) => agentId ?? [])
    const [answer] = await database.readEverywhere<{ dead: boolean }>(question,
      [selectors.map(selectorHash), selectors, lineage.length === 0 ? [nobody] : lineage, toIso(beganAt), tenant, agents])
    return answer?.dead === true
  }
}
