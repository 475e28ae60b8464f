import type { DatabaseLog } from './database.js'

/**
 * Tells of idle connections that die, while their pool is there to be used. One that dies while the pool is being ended was to go anyway: `end` resolves
 * before the server has heard of it, and a server that stops next ends it first.
 */
export const tellingOfLosses = (pool: { readonly ending: boolean }, log: Pick<DatabaseLog, 'warn'>) => (error: unknown): void => {
  if (!pool.ending) log.warn({ err: error }, 'an idle database connection was lost')
}
