import type { z } from 'zod'

/** One `CURFEW_*` variable: who reads it, what it means and what holds when it is absent. */
export interface VariableSpec {
  readonly readBy: readonly string[]
  readonly summary: string
  /** As the reference prints it; absent where the variable is required or has no fixed default. */
  readonly default?: string
  readonly isSecret?: boolean
}

const services = ['session', 'revocation', 'lifecycle', 'audit']
const everyone = [...services, 'gateway', 'standalone']
const variable = (readBy: readonly string[], summary: string, fallback?: string): VariableSpec =>
  ({ readBy, summary, ...(fallback === undefined ? {} : { default: fallback }) })
const secret = (readBy: readonly string[], summary: string): VariableSpec => ({ readBy, summary, isSecret: true })

/**
 * Every variable there is. A `CURFEW_*` name that is not here fails the boot, because a misspelt setting that is silently ignored
 * is worse than none. docs/reference/config.md is generated from it.
 */
export const variables: Readonly<Record<string, VariableSpec>> = {
  CURFEW_HOST: variable(everyone, 'address to bind', '127.0.0.1'),
  CURFEW_HTTP_PORT: variable([...services, 'standalone'], 'port of the control plane\'s HTTP', 'session 8710, revocation 8720, lifecycle 8730, audit 8740, standalone 8700'),
  CURFEW_GATEWAY_PORT: variable(['gateway', 'standalone'], 'port of the reverse proxy', '8701'),
  CURFEW_GATEWAY_ADMIN_PORT: variable(['gateway', 'standalone'], 'port of the gateway\'s health and metrics', '8702'),
  CURFEW_DATABASE_URL: secret([...services, 'standalone'], 'PostgreSQL 15 or newer, as a login that may create schemas and roles; standalone starts its own when absent'),
  CURFEW_KAFKA_BROKERS: variable([...services, 'gateway', 'cli'], 'host:port of the Kafka brokers, separated by commas'),
  CURFEW_REDIS_URL: secret(services, 'Redis 7 or newer; without it rate limits and idempotency hints live in the process'),
  CURFEW_BOOTSTRAP_CLIENT_ID: variable(['session', 'revocation', 'lifecycle', 'audit', 'gateway'], 'the first administrator\'s client id'),
  CURFEW_BOOTSTRAP_CLIENT_SECRET: secret(['session', 'revocation', 'lifecycle', 'audit', 'gateway'], 'the first administrator\'s client secret, 16 characters or more'),
  CURFEW_ROOT_SECRET: secret([...services, 'standalone'], 'what keyed hashes and the encryption of keys at rest derive from; the bootstrap secret when absent'),
  CURFEW_ISSUER: variable(everyone, 'issuer of Curfew\'s own tokens, and the default issuer of tenants', 'https://curfew.localhost'),
  CURFEW_AUDIENCE: variable(everyone, 'audience of Curfew\'s own tokens', 'curfew'),
  CURFEW_TENANTS: variable(services, 'tenants of this deployment, separated by commas', 'default'),
  CURFEW_SESSION_URL: variable([...services, 'gateway', 'cli'], 'where the session service answers (tokens, keys)', 'http://127.0.0.1:8710'),
  CURFEW_REVOCATION_URL: variable([...services, 'gateway', 'cli'], 'where the revocation service answers (snapshot, leases)', 'http://127.0.0.1:8720'),
  CURFEW_GATEWAY_ID: variable(['gateway'], 'name of this gateway in the fleet', '<host name>-<port>'),
  CURFEW_UPSTREAM_URL: variable(['gateway'], 'where admitted requests go; standalone brings a demo upstream'),
  CURFEW_UPSTREAM_TIMEOUT_MS: variable(['gateway'], 'how long the upstream may take to accept a connection and to begin its answer', '60000'),
  CURFEW_TRUST_FORWARDED: variable(['gateway'], 'true behind a load balancer that sets X-Forwarded-*; otherwise what a client says there is replaced', 'false'),
  CURFEW_COOKIE_NAME: variable(['gateway', 'standalone'], 'the session cookie that holds an access token', '__Host-curfew'),
  CURFEW_STALENESS_BUDGET_MS: variable([...services, 'gateway'], 'past this staleness a gateway refuses', '60000'),
  CURFEW_CLOCK_SKEW_MS: variable(['revocation', 'lifecycle'], 'how far a sender\'s clock may be from ours', '5000'),
  CURFEW_MAX_SESSION_AGE_MS: variable(everyone, 'oldest session a gateway accepts', '2592000000'),
  CURFEW_ACCESS_TOKEN_SECONDS: variable(['session', 'standalone'], 'lifetime of an access token', '300'),
  CURFEW_WATERMARK_INTERVAL_MS: variable(['revocation', 'standalone'], 'how often watermarks are published', '500'),
  CURFEW_RATE_LIMIT_PER_MINUTE: variable([...services, 'standalone'], 'requests one client may make to one service per minute', '120000'),
  CURFEW_LOG_LEVEL: variable(everyone, 'fatal, error, warn, info, debug or trace', 'info'),
  CURFEW_OTLP_URL: variable(everyone, 'OpenTelemetry collector for traces (OTLP over HTTP); none are sent without it'),
  CURFEW_DATA_DIR: variable(['standalone', 'cli'], 'where the embedded profile keeps its data and credentials', './.curfew'),
  CURFEW_URL: variable(['cli'], 'where the control plane answers', 'http://127.0.0.1:8700'),
  CURFEW_CLIENT_ID: variable(['cli'], 'the caller\'s client id'),
  CURFEW_CLIENT_SECRET: secret(['cli'], 'the caller\'s client secret'),
}

/** Everything wrong with a configuration, in one error. It names variables and never quotes their values. */
export interface ConfigProblem {
  readonly name: string
  readonly message: string
}

/**
 * Reads the variables a program declares in its schema; the schema's keys are variable names. Unknown `CURFEW_*` names and every
 * violation are reported together. Empty text counts as absent. The result is frozen.
 */
export function readVariables<T extends z.ZodRawShape>(schema: z.ZodObject<T>, env: Readonly<Record<string, string | undefined>>): Readonly<z.infer<z.ZodObject<T>>> {
  const given = Object.entries(env).filter((pair): pair is [string, string] => pair[0].startsWith('CURFEW_') && !pair[0].startsWith('CURFEW_TEST_') && !!pair[1])
  const wrong: ConfigProblem[] = given.filter(([name]) => !(name in variables)).map(([name]) => ({ name, message: 'is not a variable of Curfew' }))
  const read = schema.safeParse(Object.fromEntries(given.filter(([name]) => name in schema.shape)))
  if (!read.success) wrong.push(...read.error.issues.map((issue) => ({ name: issue.path.join('.') || 'configuration', message: issue.message })))
  if (wrong.length > 0 || !read.success) {
    throw new Error(`the configuration is not usable:\n${wrong.map(({ name, message }) => `  ${name}: ${message}`).join('\n')}`)
  }
  return Object.freeze(read.data)
}
