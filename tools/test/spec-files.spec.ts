import { chosenProjects, sizeOf, specsOf } from './spec-files.js'

const projects = [
  { path: 'libs/bus', name: 'bus', files: ['src/port.ts', 'src/port.spec.ts', 'src/kafka.int.spec.ts'] },
  { path: 'apps/e2e', name: 'e2e', files: ['src/path.e2e.spec.ts'] },
  { path: 'apps/console', name: 'console', files: [] },
]
const chosen = (...args: string[]): string[] => chosenProjects(projects, args).map(({ path }) => path)

test('the suffix tells the size', () => {
  const names = ['a.spec.ts', 'a.int.spec.ts', 'a.e2e.spec.ts', 'a.ts', 'a.contract.ts']
  expect(names.map(sizeOf)).toEqual(['unit', 'integration', 'e2e', undefined, undefined])
  expect(specsOf(projects[0] as (typeof projects)[0], 'integration')).toEqual(['src/kafka.int.spec.ts'])
})

test('without a choice every project that holds code is run', () => {
  expect(chosen()).toEqual(['libs/bus', 'apps/e2e'])
})

test('projects are chosen by path or name', () => {
  expect(chosen('--only', 'libs/bus/')).toEqual(['libs/bus'])
  expect(chosen('--only', 'bus,e2e')).toEqual(['libs/bus', 'apps/e2e'])
})

test('an unknown project or option is refused', () => {
  expect(() => chosen('--only', 'libs/buss')).toThrow('there is no project libs/buss')
  expect(() => chosen('--watch')).toThrow('usage')
  expect(() => chosen('--only')).toThrow('usage')
})
