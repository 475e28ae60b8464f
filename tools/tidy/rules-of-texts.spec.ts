import { linksLeadSomewhere, noMachinePaths, noRegistryHosts, scriptsExist, scriptsRunSomething, variablesAreKnown } from './rules-of-texts.js'
import { treeOf } from './tree.js'

const page = (text: string, more: Record<string, string> = {}): ReturnType<typeof treeOf> => treeOf({ 'docs/page.md': text, 'README.md': '# Curfew\n\n## The first minute: `curl`\n', ...more })

test.each([
  ['[a](gone.md)', 'gone.md'], ['[a](../README.md#nowhere)', '../README.md#nowhere'], ['[a](#nowhere)', '#nowhere'], ['![a](chart.svg "title")', 'chart.svg'],
])('%s leads nowhere', (text, target) => {
  expect(linksLeadSomewhere(page(text))).toEqual([`docs/page.md links to ${target}, which is not there`])
})

test.each(['[a](../README.md)', '[a](../README.md#the-first-minute-curl)', '[a](./)', '[a](../docs)', '[a](https://example.com/x)', '[a](mailto:a@b.c)', '`[a](gone.md)`', '```\n[a](gone.md)\n```'])('%s is fine', (text) => {
  expect(linksLeadSomewhere(page(text))).toEqual([])
})

// Put together here, so that this file does not break the rule it is about.
const home = ['', 'home', 'jane', 'curfew'].join('/')
const host = ['registry', 'npmjs', 'org'].join('.')

test('a path of one machine breaks the rule, a placeholder and a URL do not', () => {
  expect(noMachinePaths(page(`see\n${home}`))).toEqual(['docs/page.md:2 names a path of one machine'])
  expect(noMachinePaths(page('/home/somebody/curfew https://example.com/home/page ./home/x'))).toEqual([])
})

test('a package registry breaks the rule', () => {
  expect(noRegistryHosts(page(`from https://${host}/zod`))).toEqual(['docs/page.md:1 names a package registry'])
  expect(noRegistryHosts(treeOf({ '.npmrc': ['registry', 'https://x.example'].join('=') }))).toHaveLength(1)
  expect(noRegistryHosts(page('the registry. Then packages.adapter.mjs'))).toEqual([])
})

test('a variable outside the catalogue breaks the rule, except in specs and for tests', () => {
  const rule = variablesAreKnown({ CURFEW_HOST: {} })
  expect(rule(page('`CURFEW_HOST` and `CURFEW_HOTS`'))).toEqual(['docs/page.md:1 names CURFEW_HOTS, which is not in libs/contracts/src/variables.ts'])
  expect(rule(page('CURFEW_TEST_KAFKA, CURFEW_TEST_* and CURFEW_*', { 'libs/a/src/a.spec.ts': 'CURFEW_TYPO' }))).toEqual([])
})

test('a script that no package.json has breaks the rule', () => {
  const tree = { ...page('`npm run gone`, `npm run bench -- P1`, `npm start`, `node tools/gone.mjs`'), root: { name: 'root', scripts: { bench: 'node tools/bench.mjs' } } }
  expect(scriptsExist(tree)).toEqual(['docs/page.md:1 names npm run gone, which is no script', 'docs/page.md:1 names npm run start, which is no script', 'docs/page.md:1 names tools/gone.mjs, which is not there'])
})

test('a script that runs what is not there breaks the rule', () => {
  expect(scriptsRunSomething({ ...page(''), root: { name: 'root', scripts: { bench: 'node tools/bench.mjs', lint: 'nx run-many -t lint' } } })).toEqual(['npm run bench runs tools/bench.mjs, which is not there'])
})
