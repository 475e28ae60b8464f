import { reached } from './graph.js'
import { readGraph, workspaceEdges } from './imports.js'
import { isTest, layerOf, workspaceOf, type Manifest, type Rule, type Tree } from './tree.js'

const layers = ['core', 'platform', 'client', 'service', 'edge', 'face', 'tool', 'root', 'proof', 'system']

/** The tag is what the boundaries of eslint.config.mjs judge by: without it a project is bound by nothing. */
export const oneLayerEach: Rule = ({ workspaces }) => workspaces.flatMap(({ path, manifest }) => {
  const tags = (manifest.nx?.tags ?? []).filter((tag) => tag.startsWith('layer:'))
  if (tags.length !== 1) return [`${path} has ${tags.length} layer tags`]
  return layers.some((layer) => tags[0] === `layer:${layer}`) ? [] : [`${path} is tagged ${tags[0]}, which is no layer`]
})

/** A project that lacks a target is left out by `nx run-many` without a word. */
export const everyTarget: Rule = (tree) => tree.workspaces.flatMap(({ path, manifest }) => {
  const has = (suffix: string): boolean => [...tree.files.keys()].some((file) => file.startsWith(`${path}/`) && file.endsWith(suffix))
  const needed = ['typecheck', 'lint', 'test', ...(has('.int.spec.ts') ? ['integration'] : []), ...(has('.e2e.spec.ts') ? ['e2e'] : [])]
  return needed.filter((target) => !(target in (manifest.nx?.targets ?? {}))).map((target) => `${path} has no target ${target}`)
})

/** Through others too: the edge must start where neither Postgres nor Nest is. */
export const edgeStaysLight: Rule = (tree) => {
  const edges = workspaceEdges(tree)
  const tagged = (path: string): string | undefined => tree.workspaces.find((workspace) => workspace.path === path)?.manifest.nx?.tags?.find((tag) => tag === 'needs:postgres' || tag === 'needs:nest')
  return tree.workspaces.filter((workspace) => layerOf(workspace) === 'edge').flatMap(({ path }) =>
    [...reached(edges, [path])].flatMap((other) => (tagged(other) ? [`${path} reaches ${other}, which is tagged ${tagged(other)}`] : [])))
}

/** What a production file imports of ours, its own package.json declares: that is the build order, and the truth for whoever reads it. */
export const declaredDependencies: Rule = (tree) => tree.workspaces.flatMap((workspace) => {
  const needed = new Set(ownImports(tree).filter(({ from }) => workspaceOf(tree, from) === workspace).map(({ name }) => name))
  const { dependencies = {}, name: own } = workspace.manifest
  return [...needed].filter((name) => name !== own && !(name in dependencies)).map((name) => `${workspace.path} imports ${name} and does not declare it`)
})

function ownImports(tree: Tree): { from: string; name: string }[] {
  return readGraph(tree).edges.filter(({ specifier, from }) => specifier.startsWith('@curfew/') && !isTest(from))
    .map(({ from, specifier }) => ({ from, name: specifier.split('/').slice(0, 2).join('/') }))
}

interface Lockfile {
  readonly packages: Readonly<Record<string, Manifest & { readonly resolved?: string; readonly link?: boolean }>>
}

const lockOf = (tree: Tree): Lockfile => JSON.parse(tree.files.get('package-lock.json') ?? '{"packages":{}}') as Lockfile

/** A lockfile with addresses installs from where its author happened to install; without them npm asks the registry it is told. */
export const noDownloadAddresses: Rule = (tree) => Object.entries(lockOf(tree).packages)
  .filter(([, { resolved, link }]) => resolved !== undefined && !link).map(([path]) => `package-lock.json: ${path} names a download address`)

/** `npm ci` refuses a lockfile that is out of step with a package.json: better told here than by a fresh clone. */
export const lockfileInStep: Rule = (tree) => {
  const { packages } = lockOf(tree)
  const plain = (names: Readonly<Record<string, string>> = {}): string => JSON.stringify(Object.entries(names).sort())
  const manifests: [string, Manifest][] = [['', tree.root], ...tree.workspaces.map(({ path, manifest }): [string, Manifest] => [path, manifest])]
  return manifests.filter(([path, manifest]) => plain(packages[path]?.dependencies) !== plain(manifest.dependencies) || plain(packages[path]?.devDependencies) !== plain(manifest.devDependencies))
    .map(([path]) => `package-lock.json is out of step with ${path || '.'}/package.json`)
}
