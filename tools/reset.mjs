// `npm run reset`: wipes what the embedded profile keeps. What that is, and when it refuses, the profile itself decides.
import { buildWorkspaces } from './build/all.adapter.mjs'
import { runCommand } from './launch/command.adapter.mjs'
import { ensurePackages } from './launch/packages.adapter.mjs'
import { runPinned } from './launch/child.adapter.mjs'

await runCommand(async (args) => {
  await ensurePackages()
  await buildWorkspaces()
  return runPinned(['apps/standalone/dist/reset.main.js', ...args])
})
