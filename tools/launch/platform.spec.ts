import { thisMachine, unsupported } from './platform.mjs'

const usual = { version: '20.10.0', platform: 'linux', arch: 'x64', glibc: true }

test('Linux on x64 needs Node 20 only to launch', () => {
  expect(unsupported(usual)).toBeUndefined()
  expect(unsupported({ ...usual, version: '18.20.4' })).toContain('needs Node 20 or newer')
})

test('without a pinned Node the launching one must be new enough itself', () => {
  const mac = { ...usual, platform: 'darwin', arch: 'arm64', glibc: false }
  expect(unsupported(mac)).toContain('Node 24.11 or later')
  expect(unsupported({ ...mac, version: '24.10.9' })).toContain('Node 24.11 or later')
  expect(unsupported({ ...mac, version: '24.11.0' })).toBeUndefined()
  expect(unsupported({ ...mac, version: '26.1.0' })).toBeUndefined()
})

test('a Linux without the GNU C library cannot run the pinned build', () => {
  expect(unsupported({ ...usual, glibc: false })).toContain('install a newer Node')
})

test('Windows is told where it works', () => {
  expect(unsupported({ ...usual, platform: 'win32', version: '26.0.0' })).toContain('WSL')
})

test('the machine this runs on is described', () => {
  expect(thisMachine()).toMatchObject({ version: process.versions.node, platform: process.platform })
})
