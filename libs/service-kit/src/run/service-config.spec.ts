import { variables } from '@curfew/contracts'
import { readServiceConfig, serviceVariables } from './service-config.js'

const env = {
  CURFEW_DATABASE_URL: 'postgres://curfew:hunter2@db/curfew', CURFEW_KAFKA_BROKERS: 'kafka:9092, [::1]:9093', CURFEW_REDIS_URL: 'redis://:hunter2@redis:6379',
  CURFEW_BOOTSTRAP_CLIENT_ID: 'admin', CURFEW_BOOTSTRAP_CLIENT_SECRET: 'hunter2-hunter2-hunter2',
}
const messageOf = (more: Record<string, string | undefined>) => {
  try {
    readServiceConfig('session', { ...env, ...more })
  } catch (error) {
    return (error as Error).message
  }
  return 'usable'
}

test('five variables suffice, and everything else has its default', () => {
  expect(readServiceConfig('session', env)).toMatchObject({
    host: '127.0.0.1', port: 8710, kafkaBrokers: ['kafka:9092', '[::1]:9093'], issuer: 'https://curfew.localhost', audience: 'curfew', tenants: ['default'],
    sessionUrl: 'http://127.0.0.1:8710', revocationUrl: 'http://127.0.0.1:8720', stalenessBudgetMs: 60_000, clockSkewMs: 5_000, maxSessionAgeMs: 2_592_000_000,
    accessTokenSeconds: 300, watermarkIntervalMs: 500, ratePerMinute: 120_000, logLevel: 'info', otlpUrl: undefined,
  })
  expect(readServiceConfig('audit', env).port).toBe(8740)
})

test('the root secret is the bootstrap client\'s unless it has one of its own', () => {
  expect(readServiceConfig('session', env).rootSecret.reveal()).toBe('hunter2-hunter2-hunter2')
  expect(readServiceConfig('session', { ...env, CURFEW_ROOT_SECRET: 'another-root-secret' }).rootSecret.reveal()).toBe('another-root-secret')
})

test('no secret shows when the configuration is printed', () => {
  expect(JSON.stringify(readServiceConfig('session', env))).not.toContain('hunter2')
})

test('everything wrong is listed at once, and no value is quoted', () => {
  const message = messageOf({
    CURFEW_DATABASE_URL: 'mysql://hunter2', CURFEW_KAFKA_BROKERS: 'kafka', CURFEW_BOOTSTRAP_CLIENT_ID: undefined, CURFEW_BOOTSTRAP_CLIENT_SECRET: 'short',
    CURFEW_TENANTS: 'Default', CURFEW_HTTP_PORT: '99999', CURFEW_LOG_LEVEL: 'loud', CURFEW_STALENES_BUDGET_MS: '1',
  })
  for (const name of ['CURFEW_DATABASE_URL', 'CURFEW_KAFKA_BROKERS', 'CURFEW_BOOTSTRAP_CLIENT_ID', 'CURFEW_BOOTSTRAP_CLIENT_SECRET', 'CURFEW_TENANTS', 'CURFEW_HTTP_PORT', 'CURFEW_LOG_LEVEL', 'CURFEW_STALENES_BUDGET_MS: is not a variable']) expect(message).toContain(name)
  for (const value of ['hunter2', 'short', '99999', 'loud']) expect(message).not.toContain(`${value}\n`)
  expect(message).not.toContain('hunter2')
})

test.each([
  ['a budget that watermarks cannot keep up with', { CURFEW_STALENESS_BUDGET_MS: '1000', CURFEW_WATERMARK_INTERVAL_MS: '500' }, 'CURFEW_STALENESS_BUDGET_MS'],
  ['sessions that outlive the records that end them', { CURFEW_MAX_SESSION_AGE_MS: String(32 * 86_400_000) }, 'CURFEW_MAX_SESSION_AGE_MS'],
  ['skew that makes them outlive the records', { CURFEW_MAX_SESSION_AGE_MS: String(31 * 86_400_000), CURFEW_CLOCK_SKEW_MS: '1' }, 'CURFEW_MAX_SESSION_AGE_MS'],
  ['tokens that outlast sessions', { CURFEW_MAX_SESSION_AGE_MS: '60000', CURFEW_ACCESS_TOKEN_SECONDS: '61' }, 'CURFEW_ACCESS_TOKEN_SECONDS'],
])('%s is refused', (_what, more, name) => {
  expect(messageOf(more)).toContain(name)
})

test('every variable read is in the catalogue, and its default is what the catalogue prints', () => {
  for (const [name, schema] of Object.entries(serviceVariables)) {
    const printed = variables[name]?.default
    if (printed === undefined || name === 'CURFEW_HTTP_PORT') continue
    const actual: unknown = schema.parse(undefined)
    expect([name, Array.isArray(actual) ? actual.join(',') : String(actual)]).toEqual([name, printed])
  }
  expect(Object.keys(serviceVariables).filter((name) => !(name in variables))).toEqual([])
})
