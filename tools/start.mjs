// `npm start`: the embedded profile on a machine that has Node and npm only. Installs and builds what it must, then runs it.
import { buildWorkspaces } from './build/all.adapter.mjs'
import { runCommand } from './launch/command.adapter.mjs'
import { ensurePackages } from './launch/packages.adapter.mjs'
import { runPinned } from './launch/child.adapter.mjs'

await runCommand(async (args) => {
  await ensurePackages()
  await buildWorkspaces()
  return runPinned(['apps/standalone/dist/main.js', ...args])
})
