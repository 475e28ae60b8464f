import { joined, readCode, readGraph, resolve, workspaceEdges } from './imports.js'
import { treeOf } from './tree.js'

const specifiers = (text: string): string[] => readCode('a.ts', text).imports.map(({ specifier, isType }) => (isType ? `type ${specifier}` : specifier))

test('imports are found however they are written', () => {
  const text = `import a from 'one'\nimport 'two'\nexport { b } from 'three'\nexport * from 'four'\nconst c = await import('five')\n`
  expect(specifiers(text)).toEqual(['one', 'two', 'three', 'four', 'five'])
})

test('an import of types alone is told apart', () => {
  const text = `import type { A } from 'one'\nimport { type B } from 'two'\nimport { type C, d } from 'three'\nexport type { E } from 'four'\nexport { type F } from 'five'\n`
  expect(specifiers(text)).toEqual(['type one', 'type two', 'three', 'type four', 'type five'])
})

test('what only looks like an import is none', () => {
  expect(specifiers(`// import a from 'one'\nconst text = "import b from 'two'"\n`)).toEqual([])
})

test.each(['process.env.HOME', 'process["env"]', 'const { env } = process', 'const { env: surroundings } = process', `import { env } from 'node:process'`])('%s reads the environment', (text) => {
  expect(readCode('a.ts', text).readsEnvironment).toBe(true)
})

test.each(['// process.env', '"process.env"', 'process.pid', 'const { pid } = process'])('%s does not', (text) => {
  expect(readCode('a.ts', text).readsEnvironment).toBe(false)
})

const tree = treeOf({
  'libs/bus/src/index.ts': `export { port } from './port.js'`, 'libs/bus/src/port.ts': '', 'libs/bus/src/port.spec.ts': `import '@curfew/testing'`,
  'libs/testing/src/parts.ts': `import { port } from '@curfew/bus'`,
}, {
  'libs/bus': { name: '@curfew/bus', exports: { '.': { '@curfew/source': './src/index.ts', default: './dist/index.js' } } },
  'libs/testing': { name: '@curfew/testing', exports: { './parts': { '@curfew/source': './src/parts.ts' } } },
})

test('a specifier leads where the workspace sends it', () => {
  expect(resolve(tree, 'libs/bus/src/index.ts', './port.js')).toBe('libs/bus/src/port.ts')
  expect(resolve(tree, 'libs/bus/src/index.ts', '@curfew/bus')).toBe('libs/bus/src/index.ts')
  expect(resolve(tree, 'libs/bus/src/index.ts', '@curfew/testing/parts')).toBe('libs/testing/src/parts.ts')
  expect(resolve(tree, 'libs/bus/src/index.ts', '@curfew/testing')).toBeUndefined()
  expect(resolve(tree, 'libs/bus/src/index.ts', 'zod')).toBeUndefined()
})

test('the graph joins files, and workspaces by their sources alone', () => {
  expect(readGraph(tree).edges.find(({ from }) => from === 'libs/testing/src/parts.ts')?.to).toBe('libs/bus/src/index.ts')
  expect(workspaceEdges(tree)).toEqual(new Map([['libs/bus', new Set()], ['libs/testing', new Set(['libs/bus'])]]))
})

test('paths are joined as a file system would', () => {
  expect([joined('a/b', '../c.ts'), joined('', './x.md'), joined('a', './b/./c')]).toEqual(['a/c.ts', 'x.md', 'a/b/c'])
})
