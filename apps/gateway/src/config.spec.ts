import { variables } from '@curfew/contracts'
import { readConfig } from './config.js'

const enough = { CURFEW_BOOTSTRAP_CLIENT_ID: 'root', CURFEW_BOOTSTRAP_CLIENT_SECRET: 'sixteen-characters', CURFEW_KAFKA_BROKERS: 'a:1, b:2' }

test('credentials and brokers are enough on one host', () => {
  const { gateway, kafkaBrokers } = readConfig(enough)
  expect(gateway).toMatchObject({ host: '127.0.0.1', port: 8701, adminPort: 8702, cookieName: '__Host-curfew', budgetMs: 60_000, trustForwarded: false, issuer: 'https://curfew.localhost' })
  expect([kafkaBrokers, gateway.upstreamUrl, gateway.gatewayId.endsWith('-8701')]).toEqual([['a:1', 'b:2'], undefined, true])
})

test('the defaults are the ones the catalogue promises', () => {
  const { gateway } = readConfig(enough)
  const promised = (name: string) => variables[name]?.default
  expect([promised('CURFEW_GATEWAY_PORT'), promised('CURFEW_GATEWAY_ADMIN_PORT'), promised('CURFEW_COOKIE_NAME'), promised('CURFEW_STALENESS_BUDGET_MS'), promised('CURFEW_MAX_SESSION_AGE_MS'),
    promised('CURFEW_UPSTREAM_TIMEOUT_MS'), promised('CURFEW_TRUST_FORWARDED'), promised('CURFEW_SESSION_URL'), promised('CURFEW_REVOCATION_URL'), promised('CURFEW_ISSUER'), promised('CURFEW_AUDIENCE')])
    .toEqual([gateway.port, gateway.adminPort, gateway.cookieName, gateway.budgetMs, gateway.maxSessionAgeMs, gateway.upstreamTimeoutMs, gateway.trustForwarded, gateway.sessionUrl, gateway.revocationUrl, gateway.issuer, gateway.audience].map(String))
})

test('everything that is wrong is said at once, and no value is quoted', () => {
  const wrong = () => readConfig({ CURFEW_BOOTSTRAP_CLIENT_SECRET: 'short-secret', CURFEW_GATEWAY_PORT: '99999', CURFEW_UPSTREAM_URL: 'ftp://x', CURFEW_COOKIE_NAME: 'a b', CURFEW_MISSPELT: '1' })
  expect(wrong).toThrow(/CURFEW_MISSPELT[^]*CURFEW_GATEWAY_PORT[^]*CURFEW_UPSTREAM_URL[^]*CURFEW_COOKIE_NAME[^]*CURFEW_BOOTSTRAP_CLIENT_ID[^]*CURFEW_BOOTSTRAP_CLIENT_SECRET[^]*CURFEW_KAFKA_BROKERS/)
  expect(wrong).not.toThrow(/short-secret/)
})

test('issuer and control plane are read as the services read them: a last slash means nothing, and a path stays', () => {
  const { gateway } = readConfig({ ...enough, CURFEW_ISSUER: 'https://id.test/', CURFEW_SESSION_URL: 'https://inner.test/session/', CURFEW_REVOCATION_URL: 'https://inner.test/revocation' })
  expect([gateway.issuer, gateway.sessionUrl, gateway.revocationUrl]).toEqual(['https://id.test', 'https://inner.test/session', 'https://inner.test/revocation'])
})

test('a session older than the feed remembers is not accepted, nor a budget that no registration takes', () => {
  const day = 86_400_000
  expect(readConfig({ ...enough, CURFEW_MAX_SESSION_AGE_MS: String(31 * day), CURFEW_STALENESS_BUDGET_MS: String(day) }).gateway).toMatchObject({ maxSessionAgeMs: 31 * day, budgetMs: day })
  expect(() => readConfig({ ...enough, CURFEW_MAX_SESSION_AGE_MS: String(31 * day + 1), CURFEW_STALENESS_BUDGET_MS: String(day + 1) })).toThrow(/CURFEW_STALENESS_BUDGET_MS[^]*CURFEW_MAX_SESSION_AGE_MS/)
})

test('the two ports differ, unless both are chosen by the system', () => {
  expect(() => readConfig({ ...enough, CURFEW_GATEWAY_PORT: '9000', CURFEW_GATEWAY_ADMIN_PORT: '9000' })).toThrow('CURFEW_GATEWAY_ADMIN_PORT')
  expect(readConfig({ ...enough, CURFEW_GATEWAY_PORT: '0', CURFEW_GATEWAY_ADMIN_PORT: '0' }).gateway.port).toBe(0)
})

test('the configuration prints without its secret', () => {
  expect(JSON.stringify(readConfig(enough))).not.toContain('sixteen-characters')
})
