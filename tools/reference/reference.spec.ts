import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { problems, topicCatalogue, variables } from '@curfew/contracts'
import { referencePages } from './pages.js'

const folder = join(__dirname, '../../docs/reference')
const pages = referencePages()

test.each([...pages.keys()])('docs/reference/%s is what the contracts say today; `npm run reference` writes it anew', (name) => {
  expect(readFileSync(join(folder, name), 'utf8')).toBe(pages.get(name))
})

test('nothing in docs/reference was written by hand', () => {
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort())
})

test('no problem, variable or topic is left out', () => {
  for (const name of Object.keys(problems)) expect(pages.get('problems.md')).toContain(`\`${name}\``)
  for (const name of Object.keys(variables)) expect(pages.get('config.md')).toContain(`\`${name}\``)
  for (const { name } of topicCatalogue) expect(pages.get('topics.md')).toContain(`\`${name}\``)
})
