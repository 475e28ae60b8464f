import { spawn } from 'node:child_process'
import { plainEnvironment } from './config.js'
import { liveProcess } from './live-process.adapter.js'
import { endRecorded, recordStarted, thisProcess } from './pid-files.adapter.js'
import { until } from './until.js'

export interface StartProcessOptions {
  /** The running Node unless given. */
  readonly command?: string
  readonly args: readonly string[]
  /** Added to a plain environment: nothing of ours leaks into the child by accident. */
  readonly env?: Readonly<Record<string, string>>
  readonly name: string
  readonly cwd?: string
  /** Asked again and again with everything it wrote so far. */
  readonly readyWhen: (output: string) => boolean | Promise<boolean>
  /** 30 s unless given: a cold start of a service beside a busy test run. */
  readonly readyWithinMs?: number
}

export interface TestProcess {
  readonly pid: number
  /** Everything on both its outputs so far. */
  output(): string
  kill(signal?: NodeJS.Signals): void
  /** How it ended; never rejects. */
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** SIGTERM, then SIGKILL after ten seconds. Harmless when it is gone. */
  close(): Promise<void>
}

/** Starts one of our programs as its users would, and fails with its own words when it does not get ready. */
export async function startProcess(options: StartProcessOptions): Promise<TestProcess> {
  const { command = process.execPath, args, env, name, cwd, readyWhen, readyWithinMs = 30_000 } = options
  const child = spawn(command, args, { cwd, env: { ...plainEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const exit: TestProcess['exit'] = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const live = child.pid === undefined ? undefined : liveProcess(child.pid)
  if (!live) throw new Error(`${name} could not be started with ${command}`)
  const recorded = recordStarted({ name, process: live, owner: thisProcess() })
  const close = (): Promise<void> => endRecorded(recorded)
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  try {
    await until(async () => ended() || (await readyWhen(output)), { timeoutMs: readyWithinMs, what: `${name} to be ready` })
    if (ended()) throw new Error(`${name} ended while starting`)
  } catch (error) {
    await close()
    throw new Error(`${(error as Error).message}\n${output.slice(-4000)}`, { cause: error })
  }
  return { pid: live.pid, output: () => output, kill: (signal = 'SIGTERM') => void child.kill(signal), exit, close }
}
