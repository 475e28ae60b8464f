import type { RevocationRecord } from '@curfew/contracts'
import { readInstant } from '@curfew/contracts'
import { everyTenant, selectorOf, type SelectorTenant } from '@curfew/denylist'
import type { Instant, TenantId } from '@curfew/kernel'
import { createHash } from 'node:crypto'

/** A revocation as it is kept: the record that every gateway obeys, and when the log had acknowledged it. */
export interface AcceptedRevocation {
  readonly record: RevocationRecord
  readonly publishedAt?: Instant
}

const tenantNamedBy = (record: RevocationRecord): SelectorTenant => (record.everyTenant === true ? everyTenant : (record.tenant as TenantId))

/** The one text of what this revocation ends; also the key that keeps its records in order. */
export const selectorOfRecord = (record: RevocationRecord): string => selectorOf(tenantNamedBy(record), record.scope)

/** A selector can be longer than an index entry may be; its SHA-256 never is, and no two selectors share one. */
export const selectorHash = (selector: string): Buffer => createHash('sha256').update(selector).digest()

/** The cutoff as the database compares it: an absolute scope is dead whenever it began. */
export const comparableCutoff = (record: RevocationRecord): string => record.cutoff ?? 'infinity'

/** What the list can be filtered by. */
export const subOf = (record: RevocationRecord): string | null => (record.scope.kind === 'subject' ? record.scope.sub : null)

export const decidedAtOf = (record: RevocationRecord): Instant => readInstant(record.decidedAt)
