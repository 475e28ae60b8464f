import { declaredDependencies, edgeStaysLight, everyTarget, lockfileInStep, noDownloadAddresses, oneLayerEach } from './rules-of-workspaces.js'
import { treeOf, type Manifest } from './tree.js'

const tagged = (...tags: string[]): Manifest => ({ name: '@curfew/x', nx: { tags, targets: { typecheck: {}, lint: {}, test: {} } } })
const lib = (name: string, tags: string[], dependencies: Record<string, string> = {}): Manifest =>
  ({ name: `@curfew/${name}`, dependencies, nx: { tags }, exports: { '.': { '@curfew/source': './src/index.ts' } } })

test('a workspace without a layer, with two, or with one that is none, breaks the rule', () => {
  expect(oneLayerEach(treeOf({}, { a: tagged('layer:core'), b: tagged('runtime:any'), c: tagged('layer:core', 'layer:edge'), d: tagged('layer:misc') })))
    .toEqual(['b has 0 layer tags', 'c has 2 layer tags', 'd is tagged layer:misc, which is no layer'])
})

test('a workspace with integration specs needs the target that runs them', () => {
  expect(everyTarget(treeOf({ 'libs/a/src/x.int.spec.ts': '' }, { 'libs/a': tagged('layer:core') }))).toEqual(['libs/a has no target integration'])
  expect(everyTarget(treeOf({}, { 'libs/a': { name: 'a' } }))).toEqual(['libs/a has no target typecheck', 'libs/a has no target lint', 'libs/a has no target test'])
})

test('the edge may not reach Postgres through a library, but a spec of that library may', () => {
  const manifests = { 'apps/gateway': lib('gateway', ['layer:edge']), 'libs/bus': lib('bus', ['layer:platform']), 'libs/persistence': lib('persistence', ['layer:platform', 'needs:postgres']) }
  const gateway = { 'apps/gateway/src/main.ts': `import '@curfew/bus'` }
  expect(edgeStaysLight(treeOf({ ...gateway, 'libs/bus/src/index.ts': `import '@curfew/persistence'` }, manifests)))
    .toEqual(['apps/gateway reaches libs/persistence, which is tagged needs:postgres'])
  expect(edgeStaysLight(treeOf({ ...gateway, 'libs/bus/src/bus.int.spec.ts': `import '@curfew/persistence'` }, manifests))).toEqual([])
})

test('an import that package.json does not declare breaks the rule; a spec may take the real parts undeclared', () => {
  const files = { 'libs/a/src/index.ts': `import '@curfew/b/deep'\nimport '@curfew/c'`, 'libs/a/src/a.spec.ts': `import '@curfew/testing'` }
  expect(declaredDependencies(treeOf(files, { 'libs/a': lib('a', [], { '@curfew/c': '*' }) }))).toEqual(['libs/a imports @curfew/b and does not declare it'])
})

const locked = (packages: object): Record<string, string> => ({ 'package-lock.json': JSON.stringify({ packages }) })

test('a download address breaks the rule; a link within the tree has none', () => {
  const packages = { 'node_modules/zod': { resolved: 'https://somewhere.example/zod.tgz' }, 'node_modules/@curfew/a': { resolved: 'libs/a', link: true }, 'node_modules/jose': {} }
  expect(noDownloadAddresses(treeOf(locked(packages)))).toEqual(['package-lock.json: node_modules/zod names a download address'])
})

test('a package.json that the lockfile does not know breaks the rule', () => {
  const packages = { '': { dependencies: { zod: '4.6.7' } }, 'libs/a': { dependencies: { '@curfew/b': '*' } } }
  const manifests = { 'libs/a': lib('a', [], { '@curfew/b': '*', '@curfew/c': '*' }) }
  expect(lockfileInStep(treeOf(locked(packages), manifests, { name: 'root', dependencies: { zod: '4.6.7' } }))).toEqual(['package-lock.json is out of step with libs/a/package.json'])
})
