import { readConfig } from './config.js'

test('without any variable it is the contract\'s: ports 8700 to 8702, data in ./.curfew, loopback', () => {
  const config = readConfig({}, '/home/somebody/curfew')
  expect(config).toMatchObject({ host: '127.0.0.1', ports: { controlPlane: 8700, gateway: 8701, gatewayAdmin: 8702 }, dataDir: '/home/somebody/curfew/.curfew', databaseUrl: undefined })
})

test('everything wrong is told at once, and no value is quoted', () => {
  const read = () => readConfig({ CURFEW_HTTP_PORT: '8701', CURFEW_GATEWAY_PORT: '8701', CURFEW_ROOT_SECRET: 'hunter2', CURFEW_TYPO: '1' })
  expect(read).toThrow(/CURFEW_TYPO: is not a variable of Curfew/)
  expect(read).toThrow(/CURFEW_ROOT_SECRET: must have 16 characters/)
  expect(read).not.toThrow(/hunter2/)
})

test('two servers do not share a port', () => {
  expect(() => readConfig({ CURFEW_HTTP_PORT: '9000', CURFEW_GATEWAY_ADMIN_PORT: '9000' })).toThrow('CURFEW_GATEWAY_ADMIN_PORT: must differ from CURFEW_HTTP_PORT')
})
