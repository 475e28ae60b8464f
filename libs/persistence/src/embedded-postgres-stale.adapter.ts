import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from './embedded-postgres-home.adapter.js'

/**
 * One owner per data directory: a second one is refused while the first lives, and takes over once it is gone.
 * Returns how to give the directory up.
 */
export async function claimHome({ path, ownerFile }: Home): Promise<() => Promise<void>> {
  const mine = await nameOf(process.pid)
  const theirs = await readFile(ownerFile, 'utf8').catch(() => '')
  const pid = Number(theirs.split(' ')[0])
  if (theirs === mine || (pid > 0 && (await nameOf(pid)) === theirs)) {
    throw new Error(`the data directory ${path} is in use by process ${pid}; stop that one first, or choose another directory`)
  }
  await writeFile(ownerFile, mine ?? '', { mode: 0o600 })
  return () => rm(ownerFile, { force: true })
}

/** A server that outlived its owner is stopped, and a lock file that outlived its server is removed. */
export async function endStaleServer(cluster: string): Promise<void> {
  const lockFile = join(cluster, 'postmaster.pid')
  const postmaster = Number((await readFile(lockFile, 'utf8').catch(() => '')).split('\n')[0])
  if (!postmaster) return
  // Fast, then immediate: 20 s covers the checkpoint of a fast shutdown on a slow disk. Sessions whose postmaster was killed
  // leave by themselves once they notice; the last signal is for those that do not.
  for (const [signal, patienceMs] of [['SIGINT', 20_000], ['SIGQUIT', 5000], ['SIGKILL', 5000]] as const) {
    const working = await processesIn(cluster, postmaster)
    if (working.length === 0) return rm(lockFile, { force: true })
    const asked = working.includes(postmaster) ? [postmaster] : signal === 'SIGINT' ? [] : working
    for (const pid of asked) sent(pid, signal)
    await left(cluster, postmaster, patienceMs)
  }
  if ((await processesIn(cluster, postmaster)).length === 0) return rm(lockFile, { force: true })
  throw new Error(`an earlier PostgreSQL server (process ${postmaster}) still holds ${cluster} and does not stop`)
}

async function left(cluster: string, postmaster: number, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline && (await processesIn(cluster, postmaster)).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** PostgreSQL works inside its cluster directory, which tells its processes from another that inherited a pid. */
async function processesIn(cluster: string, postmaster: number): Promise<number[]> {
  if (process.platform !== 'linux') return isAlive(postmaster) ? [postmaster] : []
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const cwds = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined)))
  return pids.filter((_, at) => cwds[at] === cluster)
}

function sent(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It went by itself between the look and the signal.
  }
}

/** The pid with the time the process began, so that a reused pid is another name. */
async function nameOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return isAlive(pid) ? String(pid) : undefined
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  const began = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return began === undefined ? undefined : `${pid} ${began}`
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
