// `npm test`: installs what the lockfile names, then checks and tests every project and ends with `N passed, N failed`.
// `node tools/test.mjs --only libs/bus` does the same for one project; several are separated by commas.
import { runCommand } from './launch/command.adapter.mjs'
import { ensurePackages } from './launch/packages.adapter.mjs'
import { runPinned } from './launch/child.adapter.mjs'

await runCommand(async (args) => {
  await ensurePackages()
  return runPinned(['tools/test/main.ts', ...args], { source: true })
})
