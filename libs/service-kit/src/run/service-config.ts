import { readVariables, revocationsRetentionMs } from '@curfew/contracts'
import { Secret, tenantPattern, type TenantId } from '@curfew/kernel'
import { z } from 'zod'
import type { ServiceDefinition } from '../service.js'

export type ServiceName = ServiceDefinition['name']

/** What a service reads from its environment, in our own words. Frozen; secrets do not print. */
export interface ServiceConfig {
  readonly host: string
  readonly port: number
  readonly databaseUrl: Secret
  readonly kafkaBrokers: readonly string[]
  readonly redisUrl: Secret | undefined
  readonly bootstrapClient: { readonly id: string; readonly secret: Secret }
  readonly rootSecret: Secret
  readonly issuer: string
  readonly audience: string
  readonly tenants: readonly TenantId[]
  readonly sessionUrl: string
  readonly revocationUrl: string
  readonly stalenessBudgetMs: number
  readonly clockSkewMs: number
  readonly maxSessionAgeMs: number
  readonly accessTokenSeconds: number
  readonly watermarkIntervalMs: number
  readonly ratePerMinute: number
  readonly logLevel: (typeof logLevels)[number]
  readonly otlpUrl: string | undefined
}

export const servicePorts: Readonly<Record<ServiceName, number>> = { session: 8710, revocation: 8720, lifecycle: 8730, audit: 8740 }
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

const numeral = (min: number, max: number) =>
  z.string().regex(/^\d{1,15}$/, 'must be a whole number').transform(Number).pipe(z.number().int().min(min, `must be ${min} or more`).max(max, `must be ${max} or less`))
const wholeNumber = (min: number, max: number, fallback: number) => numeral(min, max).default(fallback)
const secret = (min: number) => z.string({ error: 'is required' }).min(min, `must have ${min} characters or more`).transform((text) => new Secret(text))
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).transform((text) => text.replace(/\/+$/, ''))
const list = (item: z.ZodType<string, string>) => z.string({ error: 'is required' }).transform((text) => text.split(',').map((each) => each.trim()).filter((each) => each !== '')).pipe(z.array(item).min(1, 'must name one or more'))
const connectionUrl = (protocols: readonly string[]) => z.string({ error: 'is required' })
  .refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), `must be a URL beginning with ${protocols.map((each) => `${each}//`).join(' or ')}`)
  .transform((text) => new Secret(text))

const day = 86_400_000
/** How long a gateway may be away and still catch up by the topic alone; DESIGN section 4 adds it to age and skew. */
const outageAllowanceMs = day

/** The variables that services read: shared by the four, whatever their own configuration adds. */
export const serviceVariables = {
  CURFEW_HOST: z.string().default('127.0.0.1'),
  CURFEW_HTTP_PORT: numeral(0, 65_535).optional(),
  CURFEW_DATABASE_URL: connectionUrl(['postgres:', 'postgresql:']),
  CURFEW_KAFKA_BROKERS: list(z.string().regex(/^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'must be host:port')),
  CURFEW_REDIS_URL: connectionUrl(['redis:', 'rediss:']).optional(),
  CURFEW_BOOTSTRAP_CLIENT_ID: z.string({ error: 'is required' }).regex(/^[\x21-\x39\x3b-\x7e]{1,256}$/, 'must be visible ASCII without a colon'),
  CURFEW_BOOTSTRAP_CLIENT_SECRET: secret(16),
  CURFEW_ROOT_SECRET: secret(16).optional(),
  CURFEW_ISSUER: httpUrl.default('https://curfew.localhost'),
  CURFEW_AUDIENCE: z.string().min(1).default('curfew'),
  CURFEW_TENANTS: list(z.string().regex(tenantPattern, 'must be 1-63 of a-z, 0-9, dot, underscore, hyphen')).default(['default']),
  CURFEW_SESSION_URL: httpUrl.default('http://127.0.0.1:8710'),
  CURFEW_REVOCATION_URL: httpUrl.default('http://127.0.0.1:8720'),
  CURFEW_STALENESS_BUDGET_MS: wholeNumber(1_000, day, 60_000),
  CURFEW_CLOCK_SKEW_MS: wholeNumber(0, 300_000, 5_000),
  CURFEW_MAX_SESSION_AGE_MS: wholeNumber(60_000, 365 * day, 30 * day),
  CURFEW_ACCESS_TOKEN_SECONDS: wholeNumber(10, 3_600, 300),
  CURFEW_WATERMARK_INTERVAL_MS: wholeNumber(10, 60_000, 500),
  CURFEW_RATE_LIMIT_PER_MINUTE: wholeNumber(1, 1_000_000_000, 120_000),
  CURFEW_LOG_LEVEL: z.enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` }).default('info'),
  CURFEW_OTLP_URL: httpUrl.optional(),
}

const variables = z.object(serviceVariables)

/**
 * The configuration of one service, or an error that lists everything wrong with it and quotes no value. A service's `config.ts` calls this with
 * `process.env`; nothing else reads the environment.
 */
export function readServiceConfig(name: ServiceName, env: Readonly<Record<string, string | undefined>>): ServiceConfig {
  const read = readVariables(variables.superRefine((values, context) => {
    for (const [variable, message] of brokenRelations(values)) context.addIssue({ code: 'custom', path: [variable], message })
  }), env)
  return Object.freeze({
    host: read.CURFEW_HOST, port: read.CURFEW_HTTP_PORT ?? servicePorts[name], databaseUrl: read.CURFEW_DATABASE_URL, kafkaBrokers: read.CURFEW_KAFKA_BROKERS,
    redisUrl: read.CURFEW_REDIS_URL, bootstrapClient: { id: read.CURFEW_BOOTSTRAP_CLIENT_ID, secret: read.CURFEW_BOOTSTRAP_CLIENT_SECRET },
    rootSecret: read.CURFEW_ROOT_SECRET ?? read.CURFEW_BOOTSTRAP_CLIENT_SECRET, issuer: read.CURFEW_ISSUER, audience: read.CURFEW_AUDIENCE,
    tenants: [...new Set(read.CURFEW_TENANTS)] as TenantId[], sessionUrl: read.CURFEW_SESSION_URL, revocationUrl: read.CURFEW_REVOCATION_URL,
    stalenessBudgetMs: read.CURFEW_STALENESS_BUDGET_MS, clockSkewMs: read.CURFEW_CLOCK_SKEW_MS, maxSessionAgeMs: read.CURFEW_MAX_SESSION_AGE_MS,
    accessTokenSeconds: read.CURFEW_ACCESS_TOKEN_SECONDS, watermarkIntervalMs: read.CURFEW_WATERMARK_INTERVAL_MS, ratePerMinute: read.CURFEW_RATE_LIMIT_PER_MINUTE,
    logLevel: read.CURFEW_LOG_LEVEL, otlpUrl: read.CURFEW_OTLP_URL,
  })
}

/** The limits that must fit each other, whichever program reads them. */
export interface RelatedLimits {
  readonly CURFEW_STALENESS_BUDGET_MS: number
  readonly CURFEW_WATERMARK_INTERVAL_MS: number
  readonly CURFEW_MAX_SESSION_AGE_MS: number
  readonly CURFEW_CLOCK_SKEW_MS: number
  readonly CURFEW_ACCESS_TOKEN_SECONDS: number
}

/** What contradicts what, each with the variable to change. */
export function brokenRelations(limits: RelatedLimits): [variable: string, message: string][] {
  const wrong: [string, string][] = []
  // Four intervals: a watermark may be lost to one failed publish and late by another, and readers are not yet stale.
  if (limits.CURFEW_STALENESS_BUDGET_MS < 4 * limits.CURFEW_WATERMARK_INTERVAL_MS) wrong.push(['CURFEW_STALENESS_BUDGET_MS', 'must be four times CURFEW_WATERMARK_INTERVAL_MS or more'])
  // I8: a record has to outlive every session it could match, and every reader's absence.
  if (revocationsRetentionMs < limits.CURFEW_MAX_SESSION_AGE_MS + limits.CURFEW_CLOCK_SKEW_MS + outageAllowanceMs) {
    wrong.push(['CURFEW_MAX_SESSION_AGE_MS', 'with CURFEW_CLOCK_SKEW_MS and a day of outage must stay within the 32 days that curfew.revocations.v1 is kept'])
  }
  if (limits.CURFEW_ACCESS_TOKEN_SECONDS * 1_000 > limits.CURFEW_MAX_SESSION_AGE_MS) wrong.push(['CURFEW_ACCESS_TOKEN_SECONDS', 'must not outlast CURFEW_MAX_SESSION_AGE_MS'])
  return wrong
}
