import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { workspaceRoot } from '../pinned-node.mjs'
import { prefixed, type Program } from './programs.js'

/** Thirty seconds: a service waits for Kafka and migrates its schema while six others do. */
const readyWithinMs = 30_000
/** Longer than a gateway's own draining. */
const stopWithinMs = 25_000

export interface Processes {
  /** Starts them together; resolves when all are ready, rejects when one is not in time or ends. */
  start(programs: readonly Program[]): Promise<void>
  /** Rejects as soon as a started process ends without being asked. */
  readonly broken: Promise<never>
  /** Asks those started last first, so that a gateway can still say goodbye to a service, and insists with SIGKILL. */
  stop(): Promise<void>
}

export function distributedProcesses(say: (line: string) => void): Processes {
  const groups: ChildProcess[][] = []
  let stopping = false
  let breakWith: (error: Error) => void = () => undefined
  const broken = new Promise<never>((_, reject) => (breakWith = reject))
  broken.catch(() => undefined)

  const launch = ({ name, script, args, env }: Program): ChildProcess => {
    const child = spawn(process.execPath, ['--enable-source-maps', join(workspaceRoot, script), ...args], { cwd: workspaceRoot, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        const read = prefixed(name, rest, chunk)
        rest = read.rest
        read.lines.forEach(say)
      })
    }
    child.once('error', (error) => breakWith(new Error(`${name} could not be started: ${error.message}`)))
    child.once('exit', (code, signal) => {
      if (!stopping) breakWith(new Error(`${name} ended by itself (${signal ?? `code ${code}`}); its words are above`))
    })
    return child
  }

  return {
    broken,
    start: async (programs) => {
      groups.push(programs.map(launch))
      await Promise.race([Promise.all(programs.map(ready)), broken])
    },
    stop: async () => {
      stopping = true
      for (const group of groups.reverse()) await Promise.all(group.map(end))
    },
  }
}

async function ready({ name, readyUrl }: Program): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  while (!(await answers(readyUrl))) {
    if (performance.now() > deadline) throw new Error(`${name} was not ready after ${readyWithinMs / 1000} s (${readyUrl})`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const answers = (url: string): Promise<boolean> => fetch(url, { signal: AbortSignal.timeout(2000) }).then((answer) => answer.ok, () => false)

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  await ended
  clearTimeout(insist)
}
