import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProject } from './project.adapter.mjs'

let project: string
const inProject = (name: string): string => join(project, name)

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'curfew-build-'))
  mkdirSync(inProject('src/deep'), { recursive: true })
  writeFileSync(inProject('src/index.ts'), `export { answer } from './deep/answer.js'\n`)
  writeFileSync(inProject('src/deep/answer.ts'), 'export const answer: number = 42\n')
  writeFileSync(inProject('src/deep/answer.spec.ts'), 'not even TypeScript')
})
afterEach(() => rmSync(project, { recursive: true, force: true }))

test('sources become modules with maps that name no machine path, and specs are left out', async () => {
  expect(await buildProject(project)).toBe(2)
  expect(readFileSync(inProject('dist/deep/answer.js'), 'utf8')).toContain('export const answer = 42')
  expect(JSON.parse(readFileSync(inProject('dist/deep/answer.js.map'), 'utf8')).sources).toEqual(['../../src/deep/answer.ts'])
  expect(existsSync(inProject('dist/deep/answer.spec.js'))).toBe(false)
})

test('an unchanged project is left alone; a changed one is built anew, without the outputs of what was removed', async () => {
  await buildProject(project)
  expect(await buildProject(project)).toBe(0)
  rmSync(inProject('src/deep'), { recursive: true })
  writeFileSync(inProject('src/index.ts'), 'export const answer = 43\n')
  expect(await buildProject(project)).toBe(1)
  expect(existsSync(inProject('dist/deep/answer.js'))).toBe(false)
})

test('a source that does not parse fails the build, and the next one does not take its outputs for good', async () => {
  writeFileSync(inProject('src/index.ts'), 'export const = 1')
  await expect(buildProject(project)).rejects.toThrow()
  writeFileSync(inProject('src/index.ts'), 'export const answer = 1')
  expect(await buildProject(project)).toBe(2)
})
