import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chown, mkdir, rename, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { usableBinaries, type Binaries } from './embedded-postgres-binaries.adapter.js'
import { passwordOf, prepareHome, type Home } from './embedded-postgres-home.adapter.js'
import { claimHome, endStaleServer } from './embedded-postgres-stale.adapter.js'

const run = promisify(execFile)

export interface EmbeddedPostgresOptions {
  /** Absolute. The same directory later means the same data. */
  readonly dataDir: string
  /** A free one unless given. */
  readonly port?: number
  readonly log: (line: string) => void
}

export interface EmbeddedPostgres {
  /** A superuser's address; the password inside is random and kept 0600 beside the data. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves once the server is gone, however that came. */
  readonly exited: Promise<void>
  stop(): Promise<void>
}

/**
 * A real PostgreSQL server of our own on the loopback interface, durable: what it acknowledged survives a crash of it and of us.
 * It opens a directory again after a crash of its owner, and refuses one whose owner is alive. It is not a replicated database.
 */
export async function startEmbeddedPostgres({ dataDir, port, log }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = await prepareHome(dataDir)
  const release = await claimHome(home)
  try {
    const binaries = await usableBinaries(home.path, { asRoot: home.account !== undefined })
    await endStaleServer(home.cluster)
    await initialise(home, binaries)
    return await serve(home, binaries, port ?? (await freePort()), log, release)
  } catch (error) {
    await release()
    throw error
  }
}

/** Made beside its place and renamed into it, so that an interrupted initdb leaves nothing that looks like a cluster. */
async function initialise({ cluster, passwordFile, account }: Home, { initdb }: Binaries): Promise<void> {
  if (await stat(join(cluster, 'PG_VERSION')).catch(() => undefined)) return
  const draft = `${cluster}.partial`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  if (account) await chown(draft, account.uid, account.gid)
  // The C.UTF-8 locale that PostgreSQL builds in sorts the same on every machine, whatever its C library holds.
  await run(initdb, [`--pgdata=${draft}`, `--pwfile=${passwordFile}`, '--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8',
    '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'], { ...account, env: serverEnvironment, cwd: '/' })
  await rename(draft, cluster)
}

async function serve(home: Home, { postgres }: Binaries, port: number, log: (line: string) => void, release: () => Promise<void>): Promise<EmbeddedPostgres> {
  const settings = {
    listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on',
    password_encryption: 'scram-sha-256', logging_collector: 'off', log_min_messages: 'warning', timezone: 'UTC',
    // Every service of the standalone profile has a pool of its own, and a test run has one per spec file beside them.
    max_connections: '200',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // Detached: an interrupt typed at the terminal must not take the database away before the services have drained.
  const child = spawn(postgres, ['-D', home.cluster, '-p', String(port), ...flags],
    { ...home.account, env: serverEnvironment, cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  await ready(child, exited, log)
  const url = `postgres://postgres:${encodeURIComponent(await passwordOf(home))}@127.0.0.1:${port}/postgres`
  return { url, port, pid: child.pid as number, exited, stop: () => stop(child, exited).then(release) }
}

/** Ten minutes: recovery after a crash replays the log since the last checkpoint, and must not be cut short. */
const readyWithinMs = 600_000

function ready(child: ChildProcess, exited: Promise<void>, log: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = []
    const refuse = (why: string): void => {
      child.kill('SIGQUIT')
      reject(new Error(`PostgreSQL did not start: ${why}\n${said.join('\n')}`))
    }
    const deadline = setTimeout(() => refuse(`not ready after ${readyWithinMs / 1000} s`), readyWithinMs)
    void exited.then(() => refuse('it ended')).finally(() => clearTimeout(deadline))
    eachLine(child, (line) => {
      said.push(line)
      // The last words are enough to explain a failed start.
      if (said.length > 20) said.shift()
      log(line)
    })
    void acceptingConnections(child).then(() => {
      clearTimeout(deadline)
      resolve()
    })
  })
}

/** With `log_min_messages` at warning the server still announces itself: LOG ranks above ERROR in the server's log. */
function acceptingConnections(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => eachLine(child, (line) => line.includes('ready to accept connections') && resolve()))
}

function eachLine(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(onLine)
  })
}

/** SIGINT is PostgreSQL's fast shutdown: sessions end, a checkpoint is written. SIGQUIT skips the checkpoint, and recovery makes up for it. */
async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
  const insist = setTimeout(() => child.kill('SIGQUIT'), 20_000)
  const force = setTimeout(() => child.kill('SIGKILL'), 25_000)
  await exited
  clearTimeout(insist)
  clearTimeout(force)
}

const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
