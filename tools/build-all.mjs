// `npm run build`: compiles every workspace that has a build target. Unchanged ones cost a few milliseconds.
import { join } from 'node:path'
import { buildProject } from './build/project.adapter.mjs'
import { workspaceRoot } from './pinned-node.mjs'
import { hasTarget, workspacesOf } from './workspaces.adapter.mjs'

const projects = workspacesOf(workspaceRoot).filter((workspace) => hasTarget(workspace, 'build'))
const built = await Promise.all(projects.map(async ({ path }) => ({ path, files: await buildProject(join(workspaceRoot, path)) })))
for (const { path, files } of built) if (files > 0) console.log(`built ${path} (${files} ${files === 1 ? 'file' : 'files'})`)
