import { instant, type Instant } from '@curfew/kernel'

/** Instants are whole milliseconds in code and `timestamptz(3)` in tables. */
export const toColumn = (at: Instant): Date => new Date(at)
export const fromColumn = (at: Date): Instant => instant(at.getTime())

/** The same for TypeORM's columns; NULL stays null. */
export const instantTransformer = {
  to: (at: Instant | null | undefined): Date | null | undefined => (typeof at === 'number' ? toColumn(at) : at),
  from: (at: Date | null): Instant | null => (at === null ? null : fromColumn(at)),
}
