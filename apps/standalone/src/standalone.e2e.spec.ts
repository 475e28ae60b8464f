import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, startProcess, until, type TestProcess } from '@curfew/testing'

// A newcomer's first minutes with `npm start`, on the built program. mkdtemp makes a 0700 parent, which as root the database's account cannot pass.
const run = promisify(execFile)
const root = join(process.cwd(), '../..')
const main = join(root, 'apps/standalone/dist/main.js')
const place = mkdtempSync(join(tmpdir(), 'curfew-standalone-'))
const dataDir = join(place, 'data')
const alive: TestProcess[] = []
let ports: { controlPlane: number; gateway: number; gatewayAdmin: number }

beforeAll(async () => {
  const [controlPlane, gateway, gatewayAdmin] = await Promise.all([freePort(), freePort(), freePort()])
  ports = { controlPlane, gateway, gatewayAdmin }
})
afterAll(async () => {
  await Promise.allSettled(alive.map((one) => one.close()))
  await run(process.execPath, [join(root, 'apps/standalone/dist/reset.main.js')], { env: environment() }).catch(() => undefined)
  rmSync(place, { recursive: true, force: true })
}, 60_000)

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  CURFEW_DATA_DIR: dataDir, CURFEW_HTTP_PORT: String(ports.controlPlane), CURFEW_GATEWAY_PORT: String(ports.gateway), CURFEW_GATEWAY_ADMIN_PORT: String(ports.gatewayAdmin), ...more,
})

async function start(more: Record<string, string> = {}): Promise<TestProcess> {
  const started = await startProcess({ name: 'standalone', args: [main], env: environment(more), readyWhen: (output) => output.includes('Curfew is ready'), readyWithinMs: 90_000 })
  alive.push(started)
  return started
}

/** The commands of the README's first minute, block by block, with this test's ports. */
const firstMinute = (): string[] => [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```sh first-minute\n([\s\S]*?)```/g)]
  .map(([, block = '']) => block.replaceAll('127.0.0.1:8700', `127.0.0.1:${ports.controlPlane}`).replaceAll('127.0.0.1:8701', `127.0.0.1:${ports.gateway}`))

/** Runs them in one shell, as a person's terminal keeps the variables; what each block printed comes back. */
async function inOneShell(blocks: readonly string[], variables: Record<string, string> = {}): Promise<string[]> {
  const script = ['set -euo pipefail', ...blocks.flatMap((block) => [block, "printf '\\036'"])].join('\n')
  const { stdout } = await run('bash', ['-c', script], {
    cwd: root, timeout: 60_000, env: { PATH: process.env.PATH ?? '', CURFEW_DATA_DIR: dataDir, CURFEW_URL: `http://127.0.0.1:${ports.controlPlane}`, ...variables },
  })
  return stdout.split('\u001e').slice(0, blocks.length)
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
const through = async (accessToken: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${ports.gateway}/hello`, { headers: { authorization: `Bearer ${accessToken}` } })).status

let accessToken = ''
let program: TestProcess

test('the README\'s first minute works by copy and paste: admitted, revoked, refused, and told by whom', async () => {
  program = await start()
  const [issue, revoke, audit] = firstMinute()
  const [issued, revoked, trail, token] = await inOneShell([issue!, revoke!, auditOnceThere(audit!), 'printf %s "$ACCESS"'])
  expect(lastLine(issued!)).toBe('200')
  expect(lastLine(revoked!)).toBe('401')
  expect(revoked).toContain('session.revoked')
  expect(trail).toContain('"password_reset"')
  expect(trail).toContain('"admin"')
  accessToken = token!
}, 120_000)

/** The trail is written behind the event: the same command again until it is there. */
const auditOnceThere = (block: string): string => `for _ in $(seq 100); do out=$(${block.trim()}); case "$out" in *password_reset*) break;; esac; done; printf '%s' "$out"`

test('its first screen shows where it is and never the secret', () => {
  const { clientId, clientSecret } = JSON.parse(readFileSync(join(dataDir, 'credentials.json'), 'utf8')) as { clientId: string; clientSecret: string }
  expect(statSync(join(dataDir, 'credentials.json')).mode & 0o777).toBe(0o600)
  expect(program.output()).toContain(`http://127.0.0.1:${ports.controlPlane}`)
  expect(program.output()).toContain('curl')
  expect(clientId).toBe('admin')
  expect(program.output()).not.toContain(clientSecret)
})

test('a second instance on the same data is refused in one sentence', async () => {
  const [controlPlane, gateway, gatewayAdmin] = await Promise.all([freePort(), freePort(), freePort()])
  const second = run(process.execPath, [main], {
    env: environment({ CURFEW_HTTP_PORT: String(controlPlane), CURFEW_GATEWAY_PORT: String(gateway), CURFEW_GATEWAY_ADMIN_PORT: String(gatewayAdmin) }), timeout: 60_000,
  })
  await expect(second).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/data directory .* is in use by process \d+/) as string })
}, 60_000)

test('a taken port is named with the variable that changes it', async () => {
  const other = run(process.execPath, [main], { env: environment({ CURFEW_DATA_DIR: join(place, 'other') }), timeout: 90_000 })
  await expect(other).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('CURFEW_HTTP_PORT') as string })
  await run(process.execPath, [join(root, 'apps/standalone/dist/reset.main.js')], { env: { CURFEW_DATA_DIR: join(place, 'other') } })
}, 120_000)

test('killed and started again, it still refuses, keeps its data and its credentials', async () => {
  const before = readFileSync(join(dataDir, 'credentials.json'), 'utf8')
  program.kill('SIGKILL')
  await program.exit
  program = await start()
  expect(await through(accessToken)).toBe(401)
  expect(readFileSync(join(dataDir, 'credentials.json'), 'utf8')).toBe(before)
  const [listed] = await inOneShell([`TOKEN=$(npx curfew token); curl -s "http://127.0.0.1:${ports.controlPlane}/v1/sessions?sub=alice" -H "Authorization: Bearer $TOKEN"`])
  expect(listed).toContain('"alice"')
}, 120_000)

test('a session that was alive before a kill is alive after it, and can still be revoked', async () => {
  const [issue] = firstMinute()
  const [, token] = await inOneShell([issue!.replace('"alice"', '"bob"'), 'printf %s "$ACCESS"'])
  program.kill('SIGKILL')
  await program.exit
  program = await start()
  expect(await through(token!)).toBe(200)
  await inOneShell([`npx curfew revoke subject bob`])
  await until(async () => (await through(token!)) === 401, { timeoutMs: 5_000, what: 'bob to be refused' })
}, 120_000)

test('it stops cleanly on SIGTERM and leaves no database running', async () => {
  program.kill('SIGTERM')
  expect(await program.exit).toEqual({ code: 0, signal: null })
  expect(program.output()).not.toMatch(/"level":"(error|fatal)"/)
  const again = await start()
  again.kill('SIGINT')
  expect(await again.exit).toEqual({ code: 0, signal: null })
}, 120_000)

test('reset wipes what was kept, and says so', async () => {
  const reset = () => run(process.execPath, [join(root, 'apps/standalone/dist/reset.main.js')], { env: environment() })
  expect((await reset()).stdout).toContain('wiped')
  expect(existsSync(join(dataDir, 'credentials.json'))).toBe(false)
  expect((await reset()).stdout).toContain('nothing to wipe')
}, 60_000)
