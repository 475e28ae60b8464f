import ts from 'typescript'
import { folderOf, isCode, isTest, workspaceOf, type Tree } from './tree.js'

export interface Import {
  /** As it is written: `./revoke.js`, `@curfew/bus`, `node:fs`. */
  readonly specifier: string
  /** Gone once the types are. */
  readonly isType: boolean
}

export interface CodeFile {
  readonly imports: readonly Import[]
  /** Other texts in it that may name a file, such as a script it runs. */
  readonly texts: readonly string[]
  readonly readsEnvironment: boolean
}

/** What a file imports, statically or not, and the texts in it. */
export function readCode(path: string, text: string): CodeFile {
  const imports: Import[] = []
  const texts: string[] = []
  let readsEnvironment = false
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) imports.push({ specifier: node.moduleSpecifier.text, isType: isTypeOnly(node) })
      return
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments
      if (target && ts.isStringLiteral(target)) imports.push({ specifier: target.text, isType: false })
    }
    if (ts.isStringLiteralLike(node)) texts.push(node.text)
    readsEnvironment ||= isEnvironment(node)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, false, path.endsWith('x') ? ts.ScriptKind.TSX : undefined))
  return { imports, texts, readsEnvironment: readsEnvironment || imports.some(({ specifier }) => /^(node:)?process$/.test(specifier)) }
}

/** `process.env`, `process['env']` and `{ env } = process`. */
function isEnvironment(node: ts.Node): boolean {
  const isProcess = (one: ts.Node | undefined): boolean => one !== undefined && ts.isIdentifier(one) && one.text === 'process'
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env'
  if (ts.isElementAccessExpression(node)) return isProcess(node.expression) && ts.isStringLiteral(node.argumentExpression) && node.argumentExpression.text === 'env'
  if (!ts.isVariableDeclaration(node) || !isProcess(node.initializer) || !ts.isObjectBindingPattern(node.name)) return false
  return node.name.elements.some(({ propertyName, name }) => ts.isIdentifier(propertyName ?? name) && ((propertyName ?? name) as ts.Identifier).text === 'env')
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    const named = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : undefined
    return node.isTypeOnly || (named !== undefined && named.length > 0 && named.every((element) => element.isTypeOnly))
  }
  const clause = node.importClause
  if (!clause) return false
  const named = clause.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : undefined
  return clause.isTypeOnly || (clause.name === undefined && named !== undefined && named.length > 0 && named.every((element) => element.isTypeOnly))
}

export interface Edge extends Import {
  readonly from: string
  /** The file of the tree it leads to; undefined for a package and for a file that is not there. */
  readonly to: string | undefined
}

export interface CodeGraph {
  readonly edges: readonly Edge[]
  readonly code: ReadonlyMap<string, CodeFile>
}

const graphs = new WeakMap<Tree, CodeGraph>()

/** Every import of every code file, resolved within the tree. Read once for all rules. */
export function readGraph(tree: Tree): CodeGraph {
  const known = graphs.get(tree)
  if (known) return known
  const read = [...tree.files].filter(([path]) => isCode(path)).map(([path, text]) => ({ path, code: readCode(path, text) }))
  const graph = {
    edges: read.flatMap(({ path, code }) => code.imports.map((one) => ({ ...one, from: path, to: resolve(tree, path, one.specifier) }))),
    code: new Map(read.map(({ path, code }) => [path, code])),
  }
  graphs.set(tree, graph)
  return graph
}

/** The file a specifier means, by the workspace's own rule: sources say `./x.js` for `./x.ts`, packages lead through `exports`. */
export function resolve(tree: Tree, from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return existing(tree, joined(folderOf(from), specifier))
  const workspace = tree.workspaces.find(({ manifest }) => specifier === manifest.name || specifier.startsWith(`${manifest.name}/`))
  const target = workspace?.manifest.exports?.[`.${specifier.slice(workspace.manifest.name.length)}`]?.['@curfew/source']
  return target === undefined ? undefined : existing(tree, joined((workspace as { path: string }).path, target))
}

function existing(tree: Tree, path: string): string | undefined {
  return [path, path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx')].find((candidate) => tree.files.has(candidate))
}

export function joined(folder: string, path: string): string {
  const parts: string[] = []
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/** Imports between workspaces that production makes: specs may use the real parts, which stand on what they test. */
export function workspaceEdges(tree: Tree): Map<string, Set<string>> {
  const edges = new Map(tree.workspaces.map(({ path }) => [path, new Set<string>()]))
  for (const { from, specifier } of readGraph(tree).edges) {
    const [source, target] = [workspaceOf(tree, from), tree.workspaces.find(({ manifest }) => specifier === manifest.name || specifier.startsWith(`${manifest.name}/`))]
    if (source && target && source !== target && !isTest(from)) edges.get(source.path)?.add(target.path)
  }
  return edges
}
