import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { until } from './until.js'

/** A process named so that a reused pid is not mistaken for it. */
export interface LiveProcess {
  readonly pid: number
  /** When the kernel says it began, in the kernel's own unit. */
  readonly began: string
}

/** The process of that pid now, or undefined when there is none. A zombie counts as gone. */
export function liveProcess(pid: number): LiveProcess | undefined {
  const began = process.platform === 'linux' ? beganFromProc(pid) : beganFromPs(pid)
  return began === undefined ? undefined : { pid, began }
}

export function isAlive(known: LiveProcess): boolean {
  return liveProcess(known.pid)?.began === known.began
}

/** Asks with SIGTERM, insists with SIGKILL. It never touches another process that inherited the pid. */
export async function endProcess(known: LiveProcess, graceMs = 10_000): Promise<void> {
  if (!signal(known, 'SIGCONT')) return
  signal(known, 'SIGTERM')
  const ended = await until(() => !isAlive(known), { timeoutMs: graceMs, what: `process ${known.pid} to end` }).catch(() => false)
  if (ended) return
  signal(known, 'SIGKILL')
  await until(() => !isAlive(known), { timeoutMs: 5000, what: `process ${known.pid} to end after SIGKILL` })
}

/** True when the process was there to receive it. */
export function signal(known: LiveProcess, name: NodeJS.Signals): boolean {
  if (!isAlive(known)) return false
  try {
    return process.kill(known.pid, name)
  } catch {
    return false
  }
}

function beganFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): the command in parentheses may itself hold spaces; after it, state is field 3 and starttime field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A killed Java shows as a zombie while its other threads (field 20 counts them) still hold its sockets.
    const ended = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)
    return ended ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function beganFromPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
