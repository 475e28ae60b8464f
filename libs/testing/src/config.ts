import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the real counterparts of a test run can be reached. */
export interface PartAddresses {
  /** `host:port`, several separated by commas. */
  readonly kafka?: string
  /** A login that may create databases and roles. */
  readonly database?: string
  readonly redis?: string
}

/** The addresses somebody handed over; an absent one is for us to provide. */
export function addressesFromEnvironment(env: NodeJS.ProcessEnv = process.env): PartAddresses {
  return { kafka: env.CURFEW_TEST_KAFKA, database: env.CURFEW_TEST_DATABASE_URL, redis: env.CURFEW_TEST_REDIS_URL }
}

export function environmentFrom(addresses: PartAddresses): Record<string, string> {
  const pairs = { CURFEW_TEST_KAFKA: addresses.kafka, CURFEW_TEST_DATABASE_URL: addresses.database, CURFEW_TEST_REDIS_URL: addresses.redis }
  return Object.fromEntries(Object.entries(pairs).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** Outside the tree on purpose: a fresh clone finds the broker that an earlier one fetched. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'curfew')
}

export const temporaryDirectory = tmpdir

/** What a child needs to find its programs, and nothing that could change how it behaves. */
export function plainEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept = ['PATH', 'HOME', 'JAVA_HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'DOCKER_HOST', 'http_proxy', 'https_proxy', 'no_proxy', 'MAVEN_ARGS', 'MAVEN_OPTS']
  return Object.fromEntries(kept.flatMap((name) => (env[name] ? [[name, env[name]] as [string, string]] : [])))
}
