import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { plainEnvironment } from './config.js'
import { isAlive, liveProcess, signal, type LiveProcess } from './live-process.adapter.js'
import { endRecorded, recordStarted, thisProcess, type Recorded } from './pid-files.adapter.js'
import { until } from './until.js'

export interface ServerOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Its output goes to a file: a server that inherits our pipe keeps whoever reads that pipe waiting after we are gone. */
  readonly logFile: string
  readonly ready: () => Promise<boolean>
  readonly readyWithinMs: number
  /** Removed with the server. */
  readonly directory?: string
}

/** A server of ours: recorded before it is ready, so nothing we start can be lost. */
export interface ServerProcess {
  readonly process: LiveProcess
  /** SIGSTOP and SIGCONT make it hang and recover; SIGKILL takes it away. */
  signal(name: NodeJS.Signals): boolean
  gone(): Promise<void>
  stop(): Promise<void>
}

export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const recorded = launch(options)
  const server: ServerProcess = {
    process: recorded.process,
    signal: (name) => signal(recorded.process, name),
    gone: async () => void (await until(() => !isAlive(recorded.process), { timeoutMs: 15_000, what: `${options.name} to be gone` })),
    stop: () => endRecorded(recorded),
  }
  try {
    await until(async () => (await options.ready()) || !isAlive(recorded.process), { timeoutMs: options.readyWithinMs, what: `${options.name} to be ready` })
    if (!isAlive(recorded.process)) throw new Error(`${options.name} ended while starting`)
    return server
  } catch (error) {
    const said = lastLines(options.logFile)
    await server.stop()
    throw new Error(`${options.name} did not start: ${(error as Error).message}\n${said}`, { cause: error })
  }
}

function launch({ name, command, args, logFile, directory }: ServerOptions): Recorded {
  const log = openSync(logFile, 'a')
  // Detached: an interrupt typed at the terminal reaches us alone, and we stop the servers in order.
  const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true, env: plainEnvironment() })
  closeSync(log)
  child.on('error', () => undefined)
  child.unref()
  const started = child.pid === undefined ? undefined : liveProcess(child.pid)
  if (!started) throw new Error(`${name} could not be started with ${command}`)
  return recordStarted({ name, process: started, owner: thisProcess(), directory })
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n')
  } catch {
    return ''
  }
}
