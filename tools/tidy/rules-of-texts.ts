import { folderOf, isSource, isTest, type Rule, type Tree } from './tree.js'
import { joined } from './imports.js'

const linesOf = (tree: Tree, wanted: (path: string) => boolean): { path: string; line: string; at: string }[] =>
  [...tree.files].filter(([path]) => wanted(path)).flatMap(([path, text]) => text.split('\n').map((line, index) => ({ path, line, at: `${path}:${index + 1}` })))

const isPage = (path: string): boolean => path.endsWith('.md')
/** What people read or run: pages, sources, and the files of the machinery. Specs hold bad examples on purpose. */
const isOurs = (path: string): boolean => !isTest(path) && path !== 'package-lock.json' && path !== 'LICENSE'

/** A link of a page leads to a file of the tree, and its anchor to a heading there. */
export const linksLeadSomewhere: Rule = (tree) => [...tree.files].filter(([path]) => isPage(path)).flatMap(([path, text]) => linksOf(text)
  .filter((target) => !leads(tree, path, target)).map((target) => `${path} links to ${target}, which is not there`))

function linksOf(text: string): string[] {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map(([, target]) => target as string).filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
}

function leads(tree: Tree, from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : joined(folderOf(from), decodeURIComponent(file))
  const isFolder = [...tree.files.keys()].some((known) => known.startsWith(`${path.replace(/\/$/, '')}/`)) || path === ''
  if (!tree.files.has(path)) return isFolder && anchor === undefined
  return anchor === undefined || !isPage(path) || headingsOf(tree.files.get(path) as string).has(anchor)
}

/** The anchors that code hosts make of headings: lower case, marks dropped, blanks to hyphens. */
function headingsOf(text: string): Set<string> {
  const headings = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').match(/^#{1,6} .*$/gm) ?? []
  return new Set(headings.map((line) => line.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')))
}

const machinePath = /(?<![\w.:@/-])(\/(home|Users|work)\/(?!(somebody|someone|you)\b)[\w.-]+|[A-Z]:\\Users\\)/
const registryHost = /(?<![\w.-])(registry|registries|artifactory|nexus|mirrors?|packages)\.([a-z0-9-]+\.)+(com|org|net|io|dev|cloud|local|internal|lan|corp|test)\b|\b(npm|maven)\.pkg\.[a-z.]+|^\s*(@[\w-]+:)?registry\s*=/

/** What was true on one machine only does not belong into the tree. */
export const noMachinePaths: Rule = (tree) => linesOf(tree, (path) => path !== 'package-lock.json').filter(({ line }) => machinePath.test(line)).map(({ at }) => `${at} names a path of one machine`)

export const noRegistryHosts: Rule = (tree) => linesOf(tree, () => true).filter(({ line }) => registryHost.test(line)).map(({ at }) => `${at} names a package registry`)

/** A variable that the catalogue does not know fails the boot of whoever sets it. */
export const variablesAreKnown = (known: Readonly<Record<string, unknown>>): Rule => (tree) => linesOf(tree, isOurs).flatMap(({ line, at }) =>
  [...line.matchAll(/CURFEW_[A-Z0-9]+(?:_[A-Z0-9]+)*/g)].map(([name]) => name).filter((name) => !(name in known) && !/^CURFEW_TEST(_|$)/.test(name))
    .map((name) => `${at} names ${name}, which is not in libs/contracts/src/variables.ts`))

/** A script that a page or a message tells people to run exists. */
export const scriptsExist: Rule = (tree) => linesOf(tree, (path) => isOurs(path) && (isPage(path) || isSource(path) || /(^|\/)(run|Dockerfile)$|\.ya?ml$/.test(path))).flatMap(({ line, at }) => {
  const scripts = [...line.matchAll(/\bnpm (?:run ([a-z][\w:-]*)|(start|test)\b)/g)].map(([, named, own]) => (named ?? own) as string)
  const files = [...line.matchAll(/\bnode (?:\.\/)?(tools\/[\w/-]+\.mjs)/g)].map(([, file]) => file as string)
  return [
    ...scripts.filter((name) => !(name in (tree.root.scripts ?? {}))).map((name) => `${at} names npm run ${name}, which is no script`),
    ...files.filter((file) => !tree.files.has(file)).map((file) => `${at} names ${file}, which is not there`),
  ]
})

/** A root script runs a file that is there. */
export const scriptsRunSomething: Rule = (tree) => Object.entries(tree.root.scripts ?? {}).flatMap(([name, command]) =>
  [...command.matchAll(/\bnode ([\w/.-]+\.mjs)/g)].filter(([, file]) => !tree.files.has(file as string)).map(([, file]) => `npm run ${name} runs ${file}, which is not there`))
