import { spawn, type ChildProcess } from 'node:child_process'
import { workspaceRoot } from '../pinned-node.mjs'

export interface Ended {
  readonly endedWell: boolean
  /** Both its outputs in the order they came. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env: NodeJS.ProcessEnv
  /** Past it the whole group of processes is killed, and the run counts as failed. */
  readonly limitMs: number
}

const running = new Set<ChildProcess>()

/** Runs a program in a process group of its own and keeps what it says. Never rejects: a program that cannot start has not ended well. */
export function runCaptured(command: string, args: readonly string[], { cwd = workspaceRoot, env, limitMs }: RunOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    const limit = setTimeout(() => {
      output += `\nnot done after ${limitMs / 1000} s: ended\n`
      signalGroup(child, 'SIGKILL')
    }, limitMs)
    const end = (endedWell: boolean): void => {
      clearTimeout(limit)
      running.delete(child)
      resolve({ endedWell, output })
    }
    child.once('error', (error) => {
      output += error.message
      end(false)
    })
    child.once('exit', (code) => {
      // A worker that outlived its parent would hold ports and files of the next run.
      signalGroup(child, 'SIGKILL')
      child.once('close', () => end(code === 0))
      // Somebody outside the group may have inherited the pipe; their words are not worth waiting for.
      setTimeout(() => end(code === 0), 2000).unref()
    })
  })
}

/** Five seconds: a killed process goes at once, unless the kernel holds it on a disk. */
const goneWithinMs = 5000

/** Ends every program that still runs, with all it started in its group, and resolves when they are gone: whoever is theirs counts as left behind from then on. */
export async function endChildren(): Promise<void> {
  const ending = [...running]
  for (const child of ending) signalGroup(child, 'SIGKILL')
  const deadline = performance.now() + goneWithinMs
  while (ending.some((child) => signalGroup(child, 0)) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** True when somebody of the group was there to receive it; 0 only asks. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return child.pid !== undefined && process.kill(-child.pid, signal)
  } catch {
    return false
  }
}
