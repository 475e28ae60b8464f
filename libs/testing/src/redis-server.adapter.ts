import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { plainEnvironment } from './config.js'
import { accepts, freePort } from './free-port.adapter.js'
import { startServer, type ServerProcess } from './server-process.adapter.js'

const run = promisify(execFile)
const ways = 'set CURFEW_TEST_REDIS_URL, or start a Docker engine with compose, or install redis-server'

/** A Redis that keeps nothing on disk. */
export async function startRedis(directory: string): Promise<{ url: string; server: ServerProcess }> {
  await needRedis()
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const server = await startServer({
    name: 'redis', command: 'redis-server', args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory],
    logFile: join(directory, 'redis.log'), ready: () => accepts(port), readyWithinMs: 15_000,
  })
  return { url: `redis://127.0.0.1:${port}`, server }
}

async function needRedis(): Promise<void> {
  if (await installed()) return
  if (process.getuid?.() !== 0) throw new Error(`there is no redis-server on the PATH; ${ways}`)
  const apt = (...args: string[]) => run('apt-get', args, { env: { ...plainEnvironment(), DEBIAN_FRONTEND: 'noninteractive' }, timeout: 300_000 })
  await apt('update', '-q').then(() => apt('install', '-q', '-y', '--no-install-recommends', 'redis-server')).catch((cause: unknown) => {
    throw new Error(`redis-server could not be installed; ${ways}`, { cause })
  })
}

const installed = (): Promise<boolean> => run('redis-server', ['--version']).then(() => true, () => false)
