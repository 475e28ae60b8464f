import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@curfew/testing'

const folder = mkdtempSync(join(tmpdir(), 'curfew-launch-'))
const inFolder = (name: string): string => join(folder, name)
const launched: ChildProcess[] = []

afterAll(() => {
  for (const child of launched) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** A launcher such as tools/start.mjs that runs the given program. */
function launch(program: string): { child: ChildProcess; said: () => string } {
  const [script, launcher] = [inFolder(`program-${launched.length}.mjs`), inFolder(`launcher-${launched.length}.mjs`)]
  writeFileSync(script, program)
  writeFileSync(launcher, `import { runPinned } from ${JSON.stringify(join(__dirname, 'child.adapter.mjs'))}\nprocess.exitCode = await runPinned([${JSON.stringify(script)}])\n`)
  const child = spawn(process.execPath, [launcher], { stdio: ['ignore', 'pipe', 'inherit'] })
  launched.push(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return { child, said: () => text }
}

const codeOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0]

test('the exit code of the program is the launcher’s', async () => {
  expect(await codeOf(launch('process.exitCode = 7').child)).toBe(7)
})

test('a program that a signal ended counts as shells count it', async () => {
  expect(await codeOf(launch('process.kill(process.pid, "SIGKILL")').child)).toBe(137)
})

test('the program gets one signal where the terminal and npm each pass one on', async () => {
  const { child, said } = launch('let count = 0\nprocess.on("SIGINT", () => { count += 1; setTimeout(() => process.exit(count), 300) })\nsetInterval(() => {}, 1000)\nconsole.log("up")')
  await until(() => said().includes('up'), { timeoutMs: 10_000, what: 'the program' })
  child.kill('SIGINT')
  child.kill('SIGINT')
  expect(await codeOf(child)).toBe(1)
})

test('what the program left running ends with it', async () => {
  const { child } = launch(`import { spawn } from 'node:child_process'\nimport { writeFileSync } from 'node:fs'\nconst left = spawn('sleep', ['60'], { stdio: 'ignore' })\nleft.unref()\nwriteFileSync(${JSON.stringify(inFolder('left'))}, String(left.pid))`)
  await codeOf(child)
  const pid = Number(readFileSync(inFolder('left'), 'utf8'))
  await until(() => !isRunning(pid), { timeoutMs: 5000, what: 'the leftover to end' })
})

function isRunning(pid: number): boolean {
  try {
    // A zombie that nobody has waited for yet has ended all the same.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
