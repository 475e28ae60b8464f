import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from './config.js'
import { endProcess, isAlive, liveProcess, type LiveProcess } from './live-process.adapter.js'

/** A process we started, who answers for it, and what it leaves on disk. */
export interface StartedProcess {
  readonly name: string
  readonly process: LiveProcess
  /** Who answers for it: once this one is gone, the next run ends it. */
  readonly owner: LiveProcess
  /** Removed once the process is gone. */
  readonly directory?: string
}

export interface Recorded extends StartedProcess {
  readonly file: string
}

const folder = (): string => join(cacheDirectory(), 'running')

/** Written at once after a start, so that a run killed the next moment still leaves a trace to clean up by. */
export function recordStarted(started: StartedProcess): Recorded {
  mkdirSync(folder(), { recursive: true })
  const file = join(folder(), `${started.name}-${started.process.pid}-${started.process.began.replace(/\W/g, '')}.json`)
  writeFileSync(`${file}.new`, JSON.stringify(started))
  renameSync(`${file}.new`, file)
  return { ...started, file }
}

export async function endRecorded(recorded: Recorded): Promise<void> {
  await endProcess(recorded.process)
  if (recorded.directory) rmSync(recorded.directory, { recursive: true, force: true })
  rmSync(recorded.file, { force: true })
}

function recordedProcesses(): Recorded[] {
  return listed().flatMap((name) => {
    const file = join(folder(), name)
    try {
      return [{ ...(JSON.parse(readFileSync(file, 'utf8')) as StartedProcess), file }]
    } catch {
      return []
    }
  })
}

/** Ends what a killed run left behind: its owner is gone. Returns their names. */
export async function endOrphans(): Promise<string[]> {
  const orphans = recordedProcesses().filter(({ owner }) => !isAlive(owner))
  await Promise.all(orphans.map(endRecorded))
  return orphans.map(({ name, process }) => `${name} (process ${process.pid})`)
}

export const thisProcess = (): LiveProcess => liveProcess(process.pid) ?? { pid: process.pid, began: 'unknown' }

function listed(): string[] {
  try {
    return readdirSync(folder()).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}
