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

/** Ends every program that still runs, with all it started in its group. */
export function endChildren(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // Nobody of that group is left.
  }
}
