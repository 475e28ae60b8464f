/** What of a package.json the rules look at. */
export interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly nx?: { readonly tags?: readonly string[]; readonly targets?: Readonly<Record<string, unknown>> }
}

export interface Workspace {
  /** Relative to the root, such as `libs/bus`. */
  readonly path: string
  readonly manifest: Manifest
}

/** The committed tree as the rules see it: every text file by its path from the root, with `/` between folders. */
export interface Tree {
  readonly files: ReadonlyMap<string, string>
  readonly workspaces: readonly Workspace[]
  readonly root: Manifest
}

/** A rule of style: it answers with one sentence for each place that breaks it. */
export type Rule = (tree: Tree) => string[]

export const isCode = (path: string): boolean => /\.(ts|tsx|mjs)$/.test(path) && !path.endsWith('.d.ts')
/** Specs and contract suites: code that only tests load. */
export const isTest = (path: string): boolean => /\.(spec|contract)\.tsx?$/.test(path)
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const workspaceOf = (tree: Tree, path: string): Workspace | undefined => tree.workspaces.find((workspace) => path.startsWith(`${workspace.path}/`))
export const layerOf = ({ manifest }: Workspace): string | undefined => manifest.nx?.tags?.find((tag) => tag.startsWith('layer:'))?.slice('layer:'.length)
/** Where a workspace keeps its code: `src`, but for the tools, which are run as they lie. */
export const isSource = (path: string): boolean => isCode(path) && /^(apps|libs)\/[^/]+\/src\/|^(tools|bench)\//.test(path)

/** A tree for the specs of rules. */
export function treeOf(files: Readonly<Record<string, string>>, manifests: Readonly<Record<string, Manifest>> = {}, root: Manifest = { name: 'root' }): Tree {
  return { files: new Map(Object.entries(files)), workspaces: Object.entries(manifests).map(([path, manifest]) => ({ path, manifest })), root }
}
