import { isBuilt, isCurrent, leftovers, outputsOf } from './sources.mjs'

test('specs, contract suites and declarations stay out of production', () => {
  const names = ['main.ts', 'revoke/revoke.ts', 'revoke/revoke.spec.ts', 'revoke/revoke.handler.int.spec.ts', 'log.contract.ts', 'shims.d.ts', 'README.md']
  expect(names.filter(isBuilt)).toEqual(['main.ts', 'revoke/revoke.ts'])
})

test('outputs without a source are leftovers', () => {
  expect(leftovers(['a.js', 'a.js.map', 'old.js', 'old.js.map'], ['a.ts'])).toEqual(['old.js', 'old.js.map'])
})

test.each([
  ['an unchanged project is current', {}, true],
  ['a project with a changed source is not', { inputs: 'other' }, false],
  ['a project that was never built is not', { stamp: undefined }, false],
  ['a project that lost an output is not', { present: ['a.js'] }, false],
])('%s', (_what, change, expected) => {
  expect(isCurrent({ stamp: 'same', inputs: 'same', present: outputsOf('a.ts'), sources: ['a.ts'], ...change })).toBe(expected)
})
