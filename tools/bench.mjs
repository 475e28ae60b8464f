// `npm run bench -- P1|all [--quick]`: builds what changed and measures under the pinned Node.
import { buildWorkspaces } from './build/all.adapter.mjs'
import { runCommand } from './launch/command.adapter.mjs'
import { ensurePackages } from './launch/packages.adapter.mjs'
import { runPinned } from './launch/child.adapter.mjs'

await runCommand(async (args) => {
  await ensurePackages()
  await buildWorkspaces()
  return runPinned(['bench/dist/main.js', ...args])
})
