import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { workspaceRoot } from '../pinned-node.mjs'
import { workspacesOf } from '../workspaces.adapter.mjs'
import type { Project, Size } from './spec-files.js'
import type { JestReport } from './totals.js'

/** Every workspace with its code files, in the order of the root package.json: libraries stand before whoever uses them. */
export function readProjects(): Project[] {
  const rank = (path: string): number => ['libs', 'apps'].findIndex((folder) => path.startsWith(`${folder}/`)) >>> 0
  return workspacesOf(workspaceRoot).map(({ path, name }: { path: string; name: string }) => ({ path, name, files: codeBelow(join(workspaceRoot, path)) }))
    .sort((one: Project, other: Project) => rank(one.path) - rank(other.path))
}

const leftOut = new Set(['node_modules', 'dist'])

function codeBelow(directory: string): string[] {
  const walk = (folder: string): string[] => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return leftOut.has(entry.name) ? [] : walk(join(folder, entry.name))
    return /\.(ts|tsx|mjs)$/.test(entry.name) && entry.name !== 'jest.config.mjs' ? [relative(directory, join(folder, entry.name)).split(sep).join('/')] : []
  })
  return walk(directory)
}

export const reportsDirectory = join(workspaceRoot, 'node_modules', '.cache', 'curfew-tests')

export function readReport(project: Project, size: Size): JestReport | undefined {
  const file = join(reportsDirectory, `${project.name}.${size}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JestReport) : undefined
}
