/** How much of the world a spec touches: nothing, the real parts, or the composed system. */
export type Size = 'unit' | 'integration' | 'e2e'

/** The size that a spec file's name tells, as jest.preset.mjs reads it; undefined when it is no spec. */
export function sizeOf(name: string): Size | undefined {
  if (!name.endsWith('.spec.ts')) return undefined
  if (name.endsWith('.int.spec.ts')) return 'integration'
  return name.endsWith('.e2e.spec.ts') ? 'e2e' : 'unit'
}

export interface Project {
  /** Relative to the root, such as `libs/bus`. */
  readonly path: string
  readonly name: string
  /** Every TypeScript or module file of it, relative to the project. */
  readonly files: readonly string[]
}

export const specsOf = (project: Project, size: Size): string[] => project.files.filter((name) => sizeOf(name) === size)

/** The projects a run is about: those named by `--only` with path or name, else all that hold any code. Throws for a name that is none. */
export function chosenProjects(projects: readonly Project[], args: readonly string[]): Project[] {
  const only = namesOf(args)
  const unknown = only.find((name) => !projects.some((project) => isCalled(project, name)))
  if (unknown !== undefined) throw new Error(`there is no project ${unknown}; there are ${projects.map(({ path }) => path).join(', ')}`)
  return projects.filter((project) => (only.length > 0 ? only.some((name) => isCalled(project, name)) : project.files.length > 0))
}

function namesOf(args: readonly string[]): string[] {
  const names: string[] = []
  for (let at = 0; at < args.length; at += 2) {
    const [option, value] = [args[at], args[at + 1]]
    if (option !== '--only' || value === undefined) throw new Error('usage: npm test [-- --only <project>[,<project>]]')
    names.push(...value.split(',').map((name) => name.replace(/\/$/, '')))
  }
  return names
}

const isCalled = (project: Project, name: string): boolean => project.path === name || project.name === name
