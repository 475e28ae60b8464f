import { join } from 'node:path'
import { workspaceRoot } from '../pinned-node.mjs'
import { hasTarget, workspacesOf } from '../workspaces.adapter.mjs'
import { buildProject } from './project.adapter.mjs'

/** Compiles every workspace that has a build target, unchanged ones not again. Resolves with what was built: `[{ path, files }]`. */
export async function buildWorkspaces() {
  const projects = workspacesOf(workspaceRoot).filter((workspace) => hasTarget(workspace, 'build'))
  const built = await Promise.all(projects.map(async ({ path }) => ({ path, files: await buildProject(join(workspaceRoot, path)) })))
  return built.filter(({ files }) => files > 0)
}
