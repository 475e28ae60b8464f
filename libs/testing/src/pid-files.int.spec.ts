import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, liveProcess, type LiveProcess } from './live-process.adapter.js'
import { endOrphans, recordStarted, thisProcess } from './pid-files.adapter.js'
import { until } from './until.js'

const cache = mkdtempSync(join(tmpdir(), 'curfew-cache-'))
const children: ChildProcess[] = []
const before = process.env.XDG_CACHE_HOME

beforeAll(() => void (process.env.XDG_CACHE_HOME = cache))
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  if (before === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = before
  rmSync(cache, { recursive: true, force: true })
})

function sleeper(): LiveProcess {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  children.push(child)
  return liveProcess(child.pid as number) as LiveProcess
}

test('what a killed run left behind is ended by the next one', async () => {
  const left = sleeper()
  recordStarted({ name: 'left', process: left, owner: { pid: 2 ** 22 + 1, began: '1' } })
  expect(await endOrphans()).toEqual([`left (process ${left.pid})`])
  await until(() => !isAlive(left), { timeoutMs: 2000, what: 'the leftover to end' })
})

test('a part whose owner lives is left alone', async () => {
  const mine = sleeper()
  recordStarted({ name: 'mine', process: mine, owner: thisProcess() })
  expect(await endOrphans()).toEqual([])
  expect(isAlive(mine)).toBe(true)
})

test('a process that merely inherited the pid is left alone', async () => {
  const other = sleeper()
  recordStarted({ name: 'reused', process: { ...other, began: '1' }, owner: { pid: 2 ** 22 + 1, began: '1' } })
  await endOrphans()
  expect(isAlive(other)).toBe(true)
})
