import { Fault } from '@curfew/contracts'

/** Of PostgreSQL's errors, those that say "not now" and not "not so". The classes are those of its appendix A. */
const unreachableClasses = ['08', '53', '58']
const unreachableStates = new Set([
  '57P01', '57P02', '57P03', // shut down, crashed, cannot connect now
  '57014', // cancelled, by the statement timeout
  '25P03', // the transaction idled past its limit and was ended
  '25006', // read only: this server was demoted under us
  '55P03', // a lock was not free in time
])
/** Another transaction won; trying again is likely to help. */
const contended = new Set(['40001', '40P01'])
const unreachableCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EMFILE',
  'ENFILE', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL'])
/** What the driver says without a code. */
const unreachableWords = [
  'Connection terminated', 'timeout exceeded when trying to connect', 'timeout expired', 'Query read timeout', 'Client has encountered a connection error',
  'Client was closed', 'Cannot use a pool after calling end',
]

/**
 * The fault behind a driver's error when PostgreSQL could not be reached, did not answer in time or lacked a resource; any other error as it came.
 * A caller that sees `dependency.unavailable` after its commit was sent does not know whether it took place.
 */
export function orUnavailable(error: unknown, doing: string): unknown {
  if (error instanceof Fault) return error
  if (isUnreachable(error)) return new Fault('dependency.unavailable', { detail: `the database did not answer while ${doing}` }, { cause: error })
  if (contended.has(said(error).code)) return new Fault('service.overloaded', { detail: `another transaction was in the way while ${doing}` }, { cause: error })
  return error
}

/** True when the connection itself is suspect and must not serve anyone else. */
export function isUnreachable(error: unknown): boolean {
  const { code, message, routine } = said(error)
  // A migration changed what a prepared statement returns; a new connection prepares it anew.
  if (code === '0A000') return routine === 'RevalidateCachedQuery'
  if (unreachableStates.has(code) || unreachableCodes.has(code) || (code.length === 5 && unreachableClasses.includes(code.slice(0, 2)))) return true
  return code === '' && unreachableWords.some((words) => message.startsWith(words))
}

/** What an error says of itself. TypeORM wraps the driver's error and copies its members. */
function said(error: unknown): { code: string; message: string; routine: string } {
  const { code, message, routine } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return { code: text(code), message: text(message), routine: text(routine) }
}
