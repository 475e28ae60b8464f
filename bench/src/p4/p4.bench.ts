import { randomBytes } from 'node:crypto'
import { forgetMarginMs, SharedDenylist, type LiveRevocation } from '@curfew/denylist'
import { instant } from '@curfew/kernel'
import { judgedByLimit } from '../limit.js'
import type { CaseResult } from '../result.js'
import { summary, type Summary } from '../statistics.js'
import { applySmallKinds, revocationAt } from '../p2/population.js'
import { agree } from './agreement.js'

export const pausesTitle = 'longest pause of the denylist between two turns of an event loop'
export const memoryTitle = 'memory of the denylist'

type Say = (line: string) => void
interface Run {
  readonly quick: boolean
  onCase(result: CaseResult): void
  readonly say: Say
}

/** A feed hands over its records in batches about this long between two turns of the event loop. */
const records = 64
const snapshotPiece = 64 * 1024
const pauseLimit: Summary = { p50: 5, p99: 5 }

/**
 * Worst slice of each twentieth of a run: their median and their worst are the two figures of a case. A slice in which the system took the
 * processor from this process says nothing of ours and is left out, and counted; the system's own account of a thread's time is too coarse here.
 */
class WorstSlices {
  private readonly worst = new Array<number>(20).fill(0)
  private taken = 0
  private disturbed = 0

  constructor(private readonly slices: number) {}

  take(slice: number, work: () => void): void {
    const switches = process.resourceUsage().involuntaryContextSwitches
    const begin = performance.now()
    work()
    const took = performance.now() - begin
    this.taken += 1
    if (process.resourceUsage().involuntaryContextSwitches !== switches) {
      this.disturbed += 1
      return
    }
    const part = Math.min(19, Math.floor((slice / this.slices) * 20))
    this.worst[part] = Math.max(this.worst[part]!, took)
  }

  get account(): string {
    return `${this.taken} slices, ${this.disturbed} disturbed and left out`
  }

  summary(): Summary {
    return summary(this.worst.filter((one) => one > 0))
  }
}

/** P4 of DESIGN section 7, its pauses: a slice is what runs between two turns of an event loop. */
export async function runPauses({ quick, onCase, say }: Run): Promise<void> {
  // What is fast and wrong is not worth measuring.
  const operations = quick ? 200_000 : 5_000_000
  say(`${agree(operations, 11)} verdicts agree with the model over ${operations} random operations`)
  const entries = quick ? 500_000 : 10_000_000
  const key = randomBytes(16)
  const denylist = new SharedDenylist({ key })
  const floor = hashingFloor(entries, say)
  const growing = await grown(denylist, entries, say)
  say(`${entries} entries, ${(denylist.memory.held / denylist.size).toFixed(1)} bytes each`)
  onCase(judgedByLimit({ case: `growing to ${entries}, ${records} records a slice`, floor, ours: growing }, pauseLimit))

  const { saving, loading, seconds } = await copied(denylist, new SharedDenylist({ key }), say)
  say(`a snapshot of ${entries} entries loaded in ${seconds.toFixed(1)} s`)
  onCase(judgedByLimit({ case: `writing a snapshot of ${entries}, a chunk a slice`, floor, ours: saving }, pauseLimit))
  onCase(judgedByLimit({ case: `loading a snapshot of ${entries}, 64 KiB a slice`, floor, ours: loading }, pauseLimit))

  onCase(judgedByLimit({ case: `forgetting half of ${entries}, a step a slice`, floor, ours: await forgotten(denylist, say) }, pauseLimit))
}

/** The floor: as many names hashed as a slice of growing hashes, into nothing. */
function hashingFloor(entries: number, say: Say): Summary {
  const worst = new WorstSlices(entries / records)
  const into = new Map<string, LiveRevocation>()
  for (let slice = 0; slice < Math.min(20_000, entries / records); slice += 1) {
    worst.take(slice * (entries / records / Math.min(20_000, entries / records)), () => {
      for (let i = 0; i < records; i += 1) into.set(JSON.stringify(revocationAt(i)), revocationAt(i))
    })
  }
  say(worst.account)
  return worst.summary()
}

/** Every second entry may be forgotten a day earlier. */
const halfDying = (i: number): LiveRevocation => {
  const one = revocationAt(i)
  return (i >> 4) % 2 === 0 ? one : { ...one, forgetAfter: instant(one.forgetAfter - 86_400_000) }
}
const firstHalfPast = instant(revocationAt(0).forgetAfter - 43_200_000 + forgetMarginMs)

async function grown(denylist: SharedDenylist, entries: number, say: Say): Promise<Summary> {
  const worst = new WorstSlices(entries / records)
  applySmallKinds(denylist)
  for (let i = 0, slice = 0; i < entries; i += records, slice += 1) {
    worst.take(slice, () => {
      for (let j = i; j < i + records; j += 1) denylist.apply(halfDying(j))
    })
    if (slice % 1_000 === 0) await new Promise(setImmediate)
  }
  say(worst.account)
  return worst.summary()
}

async function copied(from: SharedDenylist, into: SharedDenylist, say: Say): Promise<{ saving: Summary; loading: Summary; seconds: number }> {
  const bytes = from.size * 25
  const saving = new WorstSlices(bytes / 48_000)
  const loading = new WorstSlices(bytes / snapshotPiece)
  const chunks = from.encode({ topicId: 'bench', offsets: [0n] })
  const loader = into.loader()
  let spent = 0
  let slice = 0
  let written = 0
  for (let ended = false; !ended; slice += 1) {
    let chunk: Uint8Array | undefined
    saving.take(slice, () => {
      const next = chunks.next()
      if (next.done === true) ended = true
      else chunk = next.value
    })
    for (let at = 0; chunk !== undefined && at < chunk.length; at += snapshotPiece, written += snapshotPiece) {
      const piece = chunk.subarray(at, at + snapshotPiece)
      const begin = performance.now()
      loading.take(written / snapshotPiece, () => loader.push(piece))
      spent += performance.now() - begin
    }
    if (slice % 100 === 0) await new Promise(setImmediate)
  }
  loader.finish()
  say(`writing: ${saving.account}; loading: ${loading.account}`)
  return { saving: saving.summary(), loading: loading.summary(), seconds: spent / 1_000 }
}

async function forgotten(denylist: SharedDenylist, say: Say): Promise<Summary> {
  const before = denylist.size
  const worst = new WorstSlices(before / 3_000)
  for (let slice = 0, done = false; !done; slice += 1) {
    worst.take(slice, () => {
      done = denylist.forgetSome(firstHalfPast, firstHalfPast).isRoundDone
    })
    if (slice % 100 === 0) await new Promise(setImmediate)
  }
  if (denylist.size > before * 0.6) throw new Error('forgetting forgot too little')
  say(worst.account)
  return worst.summary()
}

/** P4 of DESIGN section 7, its bytes. The floor is what an entry needs if nothing were empty: its slot and its tag. */
export async function runMemory({ quick, onCase }: Run): Promise<void> {
  const most = quick ? 600_000 : 10_000_000
  for (const [kind, floor, limit] of [['session', 17, 32], ['subject', 25, 32]] as const) {
    const used: number[] = []
    const held: number[] = []
    const denylist = new SharedDenylist({ key: randomBytes(16) })
    const all = kind === 'session' ? 0 : 6
    for (let i = 0; i < most; i += 1) {
      denylist.apply(revocationAt(i * 10 + all))
      if (i < most / 4 || i % Math.floor(most / 1_000) !== 0) continue
      used.push(denylist.memory.used / denylist.size)
      held.push(denylist.memory.held / denylist.size)
      await new Promise(setImmediate)
    }
    const bytes = (value: number): Summary => ({ p50: value, p99: value })
    onCase(judgedByLimit({ case: `${kind}, as full as it gets`, floor: bytes(floor), ours: bytes(Math.min(...used)) }, bytes(limit)))
    onCase(judgedByLimit({ case: `${kind}, median and worst while growing from ${most / 4} to ${most}, free pages included`, floor: bytes(floor), ours: { p50: summary(held).p50, p99: Math.max(...held) } }, bytes(64)))
  }
}
