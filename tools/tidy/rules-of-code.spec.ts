import {
  bareFilesArePure, environmentInConfigOnly, importsLeadSomewhere, namesSaySomething, noDeadFiles, noFileCycles, noProjectCycles,
} from './rules-of-code.js'
import { treeOf, type Manifest, type Tree } from './tree.js'

const manifest = (name: string, layer: string): Manifest => ({ name: `@curfew/${name}`, nx: { tags: [`layer:${layer}`] }, exports: { '.': { '@curfew/source': './src/index.ts' } } })
const manifests = {
  'libs/kernel': manifest('kernel', 'core'), 'libs/bus': manifest('bus', 'platform'), 'apps/revocation': manifest('revocation', 'service'),
  'apps/e2e': manifest('e2e', 'system'), 'libs/testing': manifest('testing', 'proof'),
}
const tree = (files: Record<string, string>): Tree => treeOf(files, manifests)
const revoke = 'apps/revocation/src/revoke/revoke.ts'

test.each([
  ['node:fs'], ['@curfew/bus'], ['pg'], ['./revoke.store.js'],
])('a bare file that imports %s is not pure', (specifier) => {
  expect(bareFilesArePure(tree({ [revoke]: `import * as x from '${specifier}'`, 'apps/revocation/src/revoke/revoke.store.ts': '' }))).toEqual([`${revoke} is called pure and imports ${specifier}`])
})

test('core, other bare files, pure built-ins and types leave a bare file pure', () => {
  const text = `import '@curfew/kernel'\nimport './cutoff.js'\nimport 'node:crypto'\nimport 'zod'\nimport type { BusRecord } from '@curfew/bus'`
  expect(bareFilesArePure(tree({ [revoke]: text, 'apps/revocation/src/revoke/cutoff.ts': '' }))).toEqual([])
})

test('files with a role, entry points and the end-to-end harness are not called pure', () => {
  const text = `import 'node:fs'`
  expect(bareFilesArePure(tree({ 'libs/bus/src/kafka.adapter.ts': text, 'apps/revocation/src/main.ts': text, 'apps/e2e/src/upstream.ts': text }))).toEqual([])
})

test('reading the environment outside a config file breaks the rule', () => {
  const text = 'export const home = process.env.HOME'
  expect(environmentInConfigOnly(tree({ [revoke]: text, 'apps/revocation/src/config.ts': text, 'libs/bus/src/kafka.config.ts': text, 'libs/bus/src/a.spec.ts': text, 'tools/start.mjs': text })))
    .toEqual([`${revoke} reads the environment`])
})

test('files that import each other break the rule, also by types', () => {
  expect(noFileCycles(tree({ 'libs/bus/src/a.ts': `import './b.js'`, 'libs/bus/src/b.ts': `import type { A } from './a.js'` }))).toEqual(['libs/bus/src/a.ts → libs/bus/src/b.ts → libs/bus/src/a.ts'])
  expect(noFileCycles(tree({ 'libs/bus/src/a.ts': `import './b.js'`, 'libs/bus/src/b.ts': '' }))).toEqual([])
})

test('projects that import each other break the rule, though not by a spec', () => {
  const forth = { 'libs/bus/src/index.ts': `import '@curfew/kernel'`, 'libs/kernel/src/index.ts': '' }
  expect(noProjectCycles(tree({ ...forth, 'libs/kernel/src/clock.ts': `import '@curfew/bus'` }))).toEqual(['libs/kernel → libs/bus → libs/kernel'])
  expect(noProjectCycles(tree({ ...forth, 'libs/kernel/src/clock.spec.ts': `import '@curfew/bus'` }))).toEqual([])
})

test('an import of what is not there breaks the rule', () => {
  expect(importsLeadSomewhere(tree({ 'libs/bus/src/index.ts': `import './gone.js'\nimport '@curfew/nobody'\nimport 'zod'` })))
    .toEqual(['libs/bus/src/index.ts imports ./gone.js, which is not there', 'libs/bus/src/index.ts imports @curfew/nobody, which is not there'])
})

test('a file that nothing reaches is dead, and so is one that only its spec reaches', () => {
  const files = { 'libs/bus/src/index.ts': `export * from './port.js'`, 'libs/bus/src/port.ts': '', 'libs/bus/src/old.ts': '', 'libs/bus/src/idle.ts': '', 'libs/bus/src/idle.spec.ts': `import './idle.js'` }
  expect(noDeadFiles(tree(files))).toEqual(['libs/bus/src/old.ts is reached from nowhere', 'libs/bus/src/idle.ts is reached from nowhere'])
})

test('a contract suite lives by a spec, a harness by its specs, a script by whoever names it', () => {
  const alive = {
    'libs/bus/src/bus.contract.ts': '', 'libs/bus/src/a.spec.ts': `import './bus.contract.js'`, 'apps/e2e/src/upstream.ts': '', 'apps/e2e/src/a.e2e.spec.ts': `import './upstream.js'`,
    'tools/start.mjs': `run('tools/start/main.ts')`, 'tools/start/main.ts': '', 'apps/revocation/src/main.ts': '', 'apps/revocation/src/demo.main.ts': '',
  }
  expect(noDeadFiles(treeOf(alive, { ...manifests, tools: manifest('tools', 'system') }))).toEqual([])
  expect(noDeadFiles(tree({ 'libs/bus/src/bus.contract.ts': '' }))).toEqual(['libs/bus/src/bus.contract.ts is reached from nowhere'])
})

test.each(['libs/bus/src/utils.ts', 'libs/bus/src/common/port.ts', 'libs/bus/src/string-helpers.ts', 'apps/revocation/src/cutoff-manager.store.ts', 'libs/bus/src/data.ts'])('%s says nothing', (path) => {
  expect(namesSaySomething(tree({ [path]: '' }))).toEqual([`${path} has a name that says nothing`])
})

test('a name that holds such a word as a part of a longer one is fine', () => {
  expect(namesSaySomething(tree({ 'libs/bus/src/database.ts': '', 'libs/bus/src/commonly-asked.ts': '', 'libs/bus/src/demo-data.adapter.ts': '' }))).toEqual([])
})
