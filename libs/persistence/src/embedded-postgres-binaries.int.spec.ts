import { cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { completedPrograms, usableBinaries } from './embedded-postgres-binaries.adapter.js'

const place = mkdtempSync(join(tmpdir(), 'curfew-binaries-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

test('an installation whose scripts were not run gets the library links it lacks', async () => {
  const { postgres } = await usableBinaries(place, { asRoot: false })
  const installed = dirname(dirname(dirname(postgres)))
  const copy = join(place, 'bare')
  mkdirSync(copy)
  cpSync(join(installed, 'native'), join(copy, 'native'), { recursive: true, verbatimSymlinks: true })
  const libraries = join(copy, 'native', 'lib')
  const links = readdirSync(libraries).filter((name) => lstatSync(join(libraries, name)).isSymbolicLink())
  for (const link of links) rmSync(join(libraries, link))
  expect(links).toContain('libicuuc.so.60')
  expect(await completedPrograms(copy)).toBe(true)
  expect(readdirSync(libraries)).toEqual(expect.arrayContaining(links))
})
