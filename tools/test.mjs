// `npm test`: installs what the lockfile names, then typechecks and tests every project, and ends with `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0

function install() {
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
  const mark = join(root, 'node_modules/.curfew-lock')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) throw new Error('npm ci failed; see above')
  writeFileSync(mark, wanted)
}

const projects = () => ['libs', 'apps'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
  .filter((project) => existsSync(join(root, project, 'src')) && sourcesOf(project).length > 0)
const sourcesOf = (project) => readdirSync(join(root, project, 'src'), { recursive: true }).filter((name) => String(name).endsWith('.ts'))

install()
const results = join(root, 'node_modules/.cache/curfew-tests')
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })
let passed = 0
let failed = 0
for (const project of projects()) {
  const typed = run(process.execPath, ['node_modules/typescript-7/bin/tsc', '-p', `${project}/tsconfig.json`])
  console.log(`${project}: types ${typed ? 'ok' : 'WRONG'}`)
  if (!typed) failed += 1
  const ran = run(process.execPath, ['tools/run-jest.mjs', project, 'unit'])
  const file = join(results, `${project.split('/')[1]}.unit.json`)
  const totals = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 1 }
  passed += totals.numPassedTests
  failed += totals.numFailedTests + totals.numRuntimeErrorTestSuites
  console.log(`${project}: unit ${totals.numPassedTests} passed, ${totals.numFailedTests} failed${ran ? '' : ' (see above)'}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
