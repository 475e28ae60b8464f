import { readVariables, revocationsRetentionMs } from '@curfew/contracts'
import { Secret } from '@curfew/kernel'
import { hostname } from 'node:os'
import { z } from 'zod'

/** What a gateway works by. `port` and `adminPort` 0 ask for any free port. */
export interface GatewayConfig {
  readonly host: string
  readonly port: number
  readonly adminPort: number
  readonly gatewayId: string
  /** Absent: there is no route, and every admitted request is told so. A path in it is prefixed to the request's. */
  readonly upstreamUrl?: string
  /** How long an upstream may take to accept a connection, and to begin its answer. Bodies may take as long as they like. */
  readonly upstreamTimeoutMs: number
  /** Whether `X-Forwarded-*` of whoever connects is believed: true behind a load balancer that sets them, false at the edge itself. */
  readonly trustForwarded: boolean
  readonly cookieName: string
  readonly budgetMs: number
  readonly sessionUrl: string
  readonly revocationUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly issuer: string
  readonly audience: string
  readonly maxSessionAgeMs: number
  /** How long requests under way may go on once the gateway was asked to stop. */
  readonly drainMs: number
}

export interface GatewayProcessConfig {
  readonly gateway: GatewayConfig
  readonly kafkaBrokers: readonly string[]
  readonly logLevel: string
}

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
// As the services read it: where one of them leaves the last slash away, so does the other, or no token has the right issuer.
const withoutSlash = httpUrl.transform((text) => text.replace(/\/+$/, ''))
const day = 86_400_000
const milliseconds = (fallback: number, min = 1, max = 365 * day) => z.coerce.number().int().min(min).max(max).default(fallback)
/** I8: an entry is remembered for as long as the feed keeps its record, less a day in which this gateway may be away (DESIGN section 4). */
const oldestSessionMs = revocationsRetentionMs - day

const schema = z.object({
  CURFEW_HOST: z.string().default('127.0.0.1'),
  CURFEW_GATEWAY_PORT: port(8701),
  CURFEW_GATEWAY_ADMIN_PORT: port(8702),
  CURFEW_GATEWAY_ID: z.string().max(256).regex(/^[^\p{Cc}\p{Surrogate}]+$/u, 'must not hold control characters').optional(),
  CURFEW_UPSTREAM_URL: httpUrl.refine((text) => new URL(text).search === '' && new URL(text).hash === '', 'must not hold a query or fragment').optional(),
  CURFEW_UPSTREAM_TIMEOUT_MS: milliseconds(60_000),
  CURFEW_TRUST_FORWARDED: z.enum(['true', 'false']).default('false'),
  // RFC 6265 section 4.1.1: a cookie's name is an HTTP token.
  CURFEW_COOKIE_NAME: z.string().max(128).regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'must be a cookie name').default('__Host-curfew'),
  // More than a day is no budget that a registration takes.
  CURFEW_STALENESS_BUDGET_MS: milliseconds(60_000, 1_000, day),
  CURFEW_SESSION_URL: withoutSlash.default('http://127.0.0.1:8710'),
  CURFEW_REVOCATION_URL: withoutSlash.default('http://127.0.0.1:8720'),
  CURFEW_BOOTSTRAP_CLIENT_ID: z.string({ error: 'is required' }),
  CURFEW_BOOTSTRAP_CLIENT_SECRET: z.string({ error: 'is required' }).min(16, 'must have 16 characters or more'),
  CURFEW_ISSUER: withoutSlash.default('https://curfew.localhost'),
  CURFEW_AUDIENCE: z.string().default('curfew'),
  CURFEW_MAX_SESSION_AGE_MS: milliseconds(30 * day, 60_000, oldestSessionMs),
  CURFEW_KAFKA_BROKERS: z.string({ error: 'is required' }).transform((list) => list.split(',').map((one) => one.trim()).filter(Boolean))
    .refine((list) => list.length > 0, 'must name a broker'),
  CURFEW_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
})

/** Requests under way get as long as an orchestrator usually waits before it kills (30 s), less what leaving takes. */
const drainMs = 20_000

/** Reads the environment once, and reports everything that is wrong with it together. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): GatewayProcessConfig {
  const read = readVariables(schema, env)
  const { CURFEW_GATEWAY_PORT, CURFEW_GATEWAY_ADMIN_PORT } = read
  if (CURFEW_GATEWAY_PORT !== 0 && CURFEW_GATEWAY_PORT === CURFEW_GATEWAY_ADMIN_PORT) {
    throw new Error('the configuration is not usable:\n  CURFEW_GATEWAY_ADMIN_PORT: must differ from CURFEW_GATEWAY_PORT, so that no path of an upstream is taken')
  }
  return Object.freeze({
    gateway: Object.freeze({
      host: read.CURFEW_HOST, port: CURFEW_GATEWAY_PORT, adminPort: CURFEW_GATEWAY_ADMIN_PORT, gatewayId: read.CURFEW_GATEWAY_ID ?? `${hostname()}-${CURFEW_GATEWAY_PORT}`,
      ...(read.CURFEW_UPSTREAM_URL === undefined ? {} : { upstreamUrl: read.CURFEW_UPSTREAM_URL }),
      upstreamTimeoutMs: read.CURFEW_UPSTREAM_TIMEOUT_MS, trustForwarded: read.CURFEW_TRUST_FORWARDED === 'true', cookieName: read.CURFEW_COOKIE_NAME,
      budgetMs: read.CURFEW_STALENESS_BUDGET_MS, sessionUrl: read.CURFEW_SESSION_URL, revocationUrl: read.CURFEW_REVOCATION_URL,
      clientId: read.CURFEW_BOOTSTRAP_CLIENT_ID, clientSecret: new Secret(read.CURFEW_BOOTSTRAP_CLIENT_SECRET),
      issuer: read.CURFEW_ISSUER, audience: read.CURFEW_AUDIENCE, maxSessionAgeMs: read.CURFEW_MAX_SESSION_AGE_MS, drainMs,
    }),
    kafkaBrokers: read.CURFEW_KAFKA_BROKERS, logLevel: read.CURFEW_LOG_LEVEL,
  })
}
