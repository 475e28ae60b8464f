import { banner } from './banner.js'

const shown = banner({
  controlPlane: 'http://127.0.0.1:8700', gateway: 'http://127.0.0.1:8701', gatewayAdmin: 'http://127.0.0.1:8702',
  credentialsFile: '/data/credentials.json', dataDir: '/data',
})

test('the first screen names every address, the credentials file and a command that works', () => {
  for (const needed of ['http://127.0.0.1:8700', 'http://127.0.0.1:8701', 'http://127.0.0.1:8702/readyz', '/data/credentials.json', 'curl -s -X POST http://127.0.0.1:8700/v1/sessions']) {
    expect(shown).toContain(needed)
  }
})

test('nobody gets lost: it says how to stop and how to begin anew', () => {
  expect(shown).toContain('Ctrl-C')
  expect(shown).toContain('npm run reset')
})
