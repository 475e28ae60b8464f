import type { QueryRunner } from 'typeorm'
import { serviceHome } from './connection.js'

/**
 * Confines a table to the transaction's tenant, for its owner too, and lets the service's working role in. Call it in the migration that creates
 * the table, which must have a column `tenant text NOT NULL`. Where no tenant is set, nothing is seen and nothing can be written.
 *
 * The policy is a barrier: a predicate with an operator that is not leakproof (LIKE, jsonb @>, full text) is judged after it, so an index cannot
 * serve that predicate alone. Name the tenant in the predicate (`tenant = $1`) and lead the index with it.
 */
export async function tenantTable(runner: QueryRunner, service: string, table: string, rights: readonly TableRight[] = everyRight): Promise<void> {
  const { role } = serviceHome(service)
  // A sub-select is evaluated once a statement; the bare call would be once a row. An unset parameter is NULL at first and '' after a transaction that set it.
  const mine = `tenant = (SELECT nullif(current_setting('curfew.tenant', true), '')) OR (SELECT current_setting('curfew.tenant', true)) = '*'`
  await runner.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`)
  await runner.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`)
  await runner.query(`CREATE POLICY tenant_isolation ON ${table} USING (${mine}) WITH CHECK (${mine})`)
  await runner.query(`GRANT ${rights.join(', ')} ON ${table} TO ${role}`)
}

export type TableRight = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'
const everyRight: readonly TableRight[] = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
