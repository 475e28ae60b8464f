import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every workspace that the root package.json names: `{ path, name, manifest }`, the path relative to the root. */
export function workspacesOf(root) {
  const { workspaces } = readJson(join(root, 'package.json'))
  return workspaces.flatMap((pattern) => foldersOf(root, pattern)).filter((path) => existsSync(join(root, path, 'package.json')))
    .map((path) => ({ path, manifest: readJson(join(root, path, 'package.json')) }))
    .map(({ path, manifest }) => ({ path, name: manifest.nx?.name ?? path.split('/').at(-1), manifest }))
}

export const hasTarget = ({ manifest }, target) => manifest.nx?.targets?.[target] !== undefined

function foldersOf(root, pattern) {
  if (!pattern.endsWith('/*')) return [pattern]
  const parent = pattern.slice(0, -2)
  return existsSync(join(root, parent)) ? readdirSync(join(root, parent)).sort().map((name) => `${parent}/${name}`) : []
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))
