// `npm run dev:distributed`: the distributed profile on this machine, with the parts that the tests use and without a container engine.
import { buildWorkspaces } from './build/all.adapter.mjs'
import { runCommand } from './launch/command.adapter.mjs'
import { ensurePackages } from './launch/packages.adapter.mjs'
import { runPinned } from './launch/child.adapter.mjs'

await runCommand(async () => {
  await ensurePackages()
  await buildWorkspaces()
  return runPinned(['tools/distributed/main.ts'], { source: true })
})
