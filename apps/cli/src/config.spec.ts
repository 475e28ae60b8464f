import { readConfig } from './config.js'

test('one origin serves both services unless they are told apart', () => {
  expect(readConfig({})).toMatchObject({ sessionUrl: 'http://127.0.0.1:8700', revocationUrl: 'http://127.0.0.1:8700', credentials: undefined, dataDir: './.curfew', kafkaBrokers: [] })
  expect(readConfig({ CURFEW_URL: 'https://curfew.test/', CURFEW_REVOCATION_URL: 'http://127.0.0.1:8720' })).toMatchObject({ sessionUrl: 'https://curfew.test', revocationUrl: 'http://127.0.0.1:8720' })
})

test('half of the credentials, an address that is none and a misspelt variable are refused without quoting a secret', () => {
  const secret = 'do-not-print-me'
  for (const env of [{ CURFEW_CLIENT_SECRET: secret }, { CURFEW_CLIENT_ID: 'ci' }, { CURFEW_URL: 'nowhere', CURFEW_CLIENT_ID: 'ci', CURFEW_CLIENT_SECRET: secret }, { CURFEW_ULR: 'http://x' }]) {
    expect(() => readConfig(env)).toThrow(/CURFEW_/)
    try { readConfig(env) } catch (error) { expect(String(error)).not.toContain(secret) }
  }
  expect(JSON.stringify(readConfig({ CURFEW_CLIENT_ID: 'ci', CURFEW_CLIENT_SECRET: secret }))).not.toContain(secret)
})
