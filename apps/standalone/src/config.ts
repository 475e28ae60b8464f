import { resolve } from 'node:path'
import { readVariables } from '@curfew/contracts'
import type { Secret, TenantId } from '@curfew/kernel'
import { brokenRelations, serviceVariables } from '@curfew/service-kit'
import { z } from 'zod'

/** What the embedded profile reads from its environment. Frozen; secrets do not print. */
export interface StandaloneConfig {
  readonly host: string
  readonly ports: { readonly controlPlane: number; readonly gateway: number; readonly gatewayAdmin: number }
  /** Absolute. */
  readonly dataDir: string
  /** Absent: a PostgreSQL of our own under the data directory. */
  readonly databaseUrl: Secret | undefined
  /** Absent: one is made and kept in the data directory. */
  readonly rootSecret: Secret | undefined
  /** Absent: a demo upstream of our own. */
  readonly upstreamUrl: string | undefined
  readonly cookieName: string
  readonly issuer: string
  readonly audience: string
  readonly tenants: readonly TenantId[]
  readonly stalenessBudgetMs: number
  readonly clockSkewMs: number
  readonly maxSessionAgeMs: number
  readonly accessTokenSeconds: number
  readonly watermarkIntervalMs: number
  readonly ratePerMinute: number
  readonly logLevel: string
  readonly otlpUrl: string | undefined
}

const port = (fallback: number) => z.string().regex(/^\d{1,5}$/, 'must be a port').transform(Number).pipe(z.number().min(1).max(65_535)).default(fallback)
const shared = serviceVariables

const schema = z.object({
  CURFEW_HOST: shared.CURFEW_HOST, CURFEW_HTTP_PORT: port(8700), CURFEW_GATEWAY_PORT: port(8701), CURFEW_GATEWAY_ADMIN_PORT: port(8702),
  CURFEW_DATA_DIR: z.string().default('.curfew'), CURFEW_DATABASE_URL: shared.CURFEW_DATABASE_URL.optional(), CURFEW_ROOT_SECRET: shared.CURFEW_ROOT_SECRET,
  CURFEW_UPSTREAM_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  CURFEW_COOKIE_NAME: z.string().max(128).regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'must be a cookie name').default('__Host-curfew'),
  CURFEW_ISSUER: shared.CURFEW_ISSUER, CURFEW_AUDIENCE: shared.CURFEW_AUDIENCE, CURFEW_TENANTS: shared.CURFEW_TENANTS,
  CURFEW_STALENESS_BUDGET_MS: shared.CURFEW_STALENESS_BUDGET_MS, CURFEW_CLOCK_SKEW_MS: shared.CURFEW_CLOCK_SKEW_MS,
  CURFEW_MAX_SESSION_AGE_MS: shared.CURFEW_MAX_SESSION_AGE_MS, CURFEW_ACCESS_TOKEN_SECONDS: shared.CURFEW_ACCESS_TOKEN_SECONDS,
  CURFEW_WATERMARK_INTERVAL_MS: shared.CURFEW_WATERMARK_INTERVAL_MS, CURFEW_RATE_LIMIT_PER_MINUTE: shared.CURFEW_RATE_LIMIT_PER_MINUTE,
  // The first screen is for a person: what goes well is told in sentences, not in log lines.
  CURFEW_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('warn'), CURFEW_OTLP_URL: shared.CURFEW_OTLP_URL,
})

/** Reads the environment once; everything wrong with it is reported together, and no value is quoted. Relative paths are seen from `cwd`. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env, cwd: string = process.cwd()): StandaloneConfig {
  const read = readVariables(schema.superRefine((values, context) => {
    for (const [variable, message] of [...brokenRelations(values), ...samePorts(values)]) context.addIssue({ code: 'custom', path: [variable], message })
  }), env)
  return Object.freeze({
    host: read.CURFEW_HOST, ports: { controlPlane: read.CURFEW_HTTP_PORT, gateway: read.CURFEW_GATEWAY_PORT, gatewayAdmin: read.CURFEW_GATEWAY_ADMIN_PORT },
    dataDir: resolve(cwd, read.CURFEW_DATA_DIR), databaseUrl: read.CURFEW_DATABASE_URL, rootSecret: read.CURFEW_ROOT_SECRET, upstreamUrl: read.CURFEW_UPSTREAM_URL,
    cookieName: read.CURFEW_COOKIE_NAME, issuer: read.CURFEW_ISSUER, audience: read.CURFEW_AUDIENCE, tenants: [...new Set(read.CURFEW_TENANTS)] as TenantId[],
    stalenessBudgetMs: read.CURFEW_STALENESS_BUDGET_MS, clockSkewMs: read.CURFEW_CLOCK_SKEW_MS, maxSessionAgeMs: read.CURFEW_MAX_SESSION_AGE_MS,
    accessTokenSeconds: read.CURFEW_ACCESS_TOKEN_SECONDS, watermarkIntervalMs: read.CURFEW_WATERMARK_INTERVAL_MS, ratePerMinute: read.CURFEW_RATE_LIMIT_PER_MINUTE,
    logLevel: read.CURFEW_LOG_LEVEL, otlpUrl: read.CURFEW_OTLP_URL,
  })
}

function samePorts(values: { CURFEW_HTTP_PORT: number; CURFEW_GATEWAY_PORT: number; CURFEW_GATEWAY_ADMIN_PORT: number }): [string, string][] {
  const names = ['CURFEW_HTTP_PORT', 'CURFEW_GATEWAY_PORT', 'CURFEW_GATEWAY_ADMIN_PORT'] as const
  return names.flatMap((name, at) => names.slice(0, at).filter((other) => values[other] === values[name]).map((other): [string, string] => [name, `must differ from ${other}`]))
}
