import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { assert } from '@curfew/kernel'
import { othersMayReach } from './embedded-postgres-binaries.adapter.js'

const run = promisify(execFile)

/** The account the server runs under. PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Home {
  /** Everything below belongs to one data directory, and may be deleted with it. */
  readonly path: string
  readonly cluster: string
  readonly passwordFile: string
  readonly ownerFile: string
  /** Absent when we are an ordinary user: the server then runs as we do. */
  readonly account?: Account
}

/**
 * Where the server for `dataDir` keeps its files. As root that is elsewhere when the server's account could not reach it,
 * as under a home directory closed to others: then it is /var/lib/curfew/<hash of the data directory>.
 */
export async function embeddedPostgresHome(dataDir: string): Promise<string> {
  assert(isAbsolute(dataDir), `the data directory must be absolute, not ${dataDir}`)
  if (!isRoot() || (await othersMayReach(dataDir))) return dataDir
  return join('/var/lib/curfew', createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
}

export async function prepareHome(dataDir: string): Promise<Home> {
  const account = isRoot() ? await postgresAccount() : undefined
  const path = await embeddedPostgresHome(dataDir)
  await mkdir(path, { recursive: true, mode: 0o711 })
  if (account) await chmod(path, 0o711)
  const home = { path, cluster: join(path, 'cluster'), passwordFile: join(path, 'password'), ownerFile: join(path, 'owner'), account }
  await keepPassword(home)
  return home
}

export const passwordOf = async ({ passwordFile }: Home): Promise<string> => (await readFile(passwordFile, 'utf8')).trim()

export const isRoot = (): boolean => process.getuid?.() === 0

async function keepPassword({ passwordFile, account }: Home): Promise<void> {
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  // initdb reads it under the server's account.
  if (account) await chown(passwordFile, account.uid, account.gid)
}

async function postgresAccount(): Promise<Account> {
  return (await found()) ?? (await created())
}

async function found(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)))
    return { uid: uid as number, gid: gid as number }
  } catch {
    return undefined
  }
}

async function created(): Promise<Account> {
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'])
  } catch (cause) {
    throw new Error('PostgreSQL does not run as root, and the user "postgres" could not be created; create it, or run as an ordinary user', { cause })
  }
  const account = await found()
  assert(account, 'a user that was just created exists')
  return account
}
