import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { workspaceRoot } from '../pinned-node.mjs'
import { workspacesOf } from '../workspaces.adapter.mjs'
import type { Manifest, Tree } from './tree.js'

/** What .gitignore leaves out. */
const ignored = new Set(['node_modules', 'dist', '.git', '.nx', '.curfew', 'coverage', 'tmp'])
const isText = (name: string): boolean => /\.(ts|tsx|mjs|cjs|js|json|md|ya?ml|sql|java|sh|svg|properties)$|^(\.npmrc|\.gitignore|\.dockerignore|Dockerfile|LICENSE|run)$/.test(name)

/** Every committed text file of this clone. */
export function readTree(): Tree {
  const files = new Map(filesBelow(workspaceRoot).map((file) => [relative(workspaceRoot, file).split(sep).join('/'), readFileSync(file, 'utf8')]))
  return { files, workspaces: workspacesOf(workspaceRoot), root: JSON.parse(files.get('package.json') as string) as Manifest }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return ignored.has(entry.name) ? [] : filesBelow(join(folder, entry.name))
    return isText(entry.name) ? [join(folder, entry.name)] : []
  })
}
