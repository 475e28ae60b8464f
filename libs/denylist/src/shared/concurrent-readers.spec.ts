import { join } from 'node:path'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { instant, tenantId } from '@curfew/kernel'
import { DenylistReader, forgetMarginMs, SharedDenylist, type DenylistDescriptor, type Hop, type LiveRevocation, type TokenFacts } from '../index.js'

// This file is its own worker: in a thread that was given a denylist it reads, elsewhere it is the spec of those threads.
interface Task {
  readonly descriptor: DenylistDescriptor
  /** [stop, kept sessions published, version of the flag published, then for each subject the step published, then the step begun]. */
  readonly progress: Int32Array
  readonly seed: number
}
interface Report {
  readonly judged: number
  readonly faults: readonly string[]
}

const acme = tenantId('acme')
const issuer = 'https://curfew.test'
const later = instant(1e15)
const now = instant(1_000)
const keptSessions = 24_000
const subjects = 16
const steps = 70
const watched = 800
/** Every step raises a subject's cutoff, each time over the 2^32 ms at which its halves change together. */
const cutoffAt = (step: number) => step * 2 ** 31 + 7
const about = (hop: Hop, began = 1): TokenFacts => ({ tenant: acme, hops: [hop], beganAt: instant(began), expiresAt: later })

function watch({ descriptor, progress, seed }: Task): Report {
  const reader = DenylistReader.attach(descriptor)
  const spread = Math.floor(keptSessions / watched)
  const sessions = Array.from({ length: watched }, (_, i) => reader.prepare(about({ sessionId: `kept-${i * spread}` })))
  const strangers = Array.from({ length: watched }, (_, i) => reader.prepare(about({ sessionId: `stranger-${i}` })))
  const of = (subject: number, sessionId: string, began: number) => reader.prepare(about({ issuer, sub: `user-${subject}`, sessionId }, began))
  const began = Array.from({ length: subjects }, (_, subject) => Array.from({ length: steps + 1 }, (_, step) => of(subject, 'own', cutoffAt(step))))
  const fresh = Array.from({ length: subjects }, (_, subject) => of(subject, 'own', cutoffAt(steps) + 1))
  const spared = Array.from({ length: subjects }, (_, subject) => of(subject, `spared-${subject}`, 1))
  // Begun after the cutoff before, so alive until the step after the one that spares it by name.
  const once = Array.from({ length: subjects }, (_, subject) => Array.from({ length: steps + 1 }, (_, step) => of(subject, `once-${step}`, cutoffAt(step - 1) + 1)))
  const held = reader.prepare(about({ agentId: 'held' }))
  const faults: string[] = []
  let judged = 0
  const expectVerdict = (prepared: (typeof sessions)[number], verdict: string, what: string) => {
    judged += 1
    if (reader.verdictOnPrepared(prepared, now) !== verdict && faults.length < 10) faults.push(`${what} was not ${verdict}`)
  }
  let random = seed
  const below = (limit: number) => (random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0) % limit
  while (Atomics.load(progress, 0) === 0 && faults.length === 0) {
    const i = below(watched)
    // What was published before the question must be in the answer.
    if (i * spread < Atomics.load(progress, 1)) expectVerdict(sessions[i]!, 'revoked', `session ${i * spread}`)
    expectVerdict(strangers[i]!, 'allowed', `stranger ${i}`)
    const subject = below(subjects)
    const step = Atomics.load(progress, 3 + subject)
    if (step > 0) expectVerdict(began[subject]![step]!, 'revoked', `what began at step ${step} of subject ${subject}`)
    expectVerdict(fresh[subject]!, 'allowed', `a fresh session of subject ${subject}`)
    expectVerdict(spared[subject]!, 'allowed', `the spared session of subject ${subject}`)
    const sparing = Math.min(steps, step + 2 - (step % 2))
    const verdict = reader.verdictOnPrepared(once[subject]![sparing]!, now)
    const wasTooLate = Atomics.load(progress, 3 + subjects + subject) > sparing
    if (verdict === 'revoked' && !wasTooLate && faults.length < 10) faults.push(`what step ${sparing} of subject ${subject} spares was refused`)
    if (Atomics.load(progress, 2) > 0) expectVerdict(held, 'revoked', 'the held agent')
  }
  return { judged, faults }
}

const task = workerData as Task | null
if (task !== null && parentPort !== null) parentPort.postMessage(watch(task))
else {
  const source = () => expect.getState().testPath as string
  const startReader = (data: Task) => {
    const hooks = join(source(), '../../../../../tools/typescript-source.mjs')
    const worker = new Worker(source(), { workerData: data, execArgv: ['--import', hooks] })
    const report = new Promise<Report>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    return { worker, report, online: new Promise<void>((resolve) => void worker.once('online', resolve)) }
  }
  const absolute = (id: string, forgetAfter: number): LiveRevocation => ({ tenant: acme, scope: { kind: 'session', id }, cutoff: null, except: [], forgetAfter: instant(forgetAfter) })

  test('readers in other threads never lose an entry, see half of one, or refuse what was spared, while all is raised, copied, forgotten and reused', async () => {
    const denylist = new SharedDenylist({ key: new Uint8Array(16).fill(3), maxBytes: 2 ** 25 })
    const progress = new Int32Array(new SharedArrayBuffer(4 * (3 + 2 * subjects)))
    const readers = [1, 2].map((seed) => startReader({ descriptor: denylist.descriptor(), progress, seed }))
    await Promise.all(readers.map(({ online }) => online))
    let doomed = 0
    for (let kept = 0; kept < keptSessions; kept += 1) {
      denylist.apply(absolute(`kept-${kept}`, later))
      Atomics.store(progress, 1, kept + 1)
      for (let i = 0; i < 3; i += 1) denylist.apply(absolute(`doomed-${doomed++}`, 1_000))
      if (kept % 20 === 0) {
        const turn = kept / 20
        const subject = turn % subjects
        const step = Math.min(steps, Math.floor(turn / subjects) + 1)
        // Every second decision spares a session more, so that exceptions come, are raised and go.
        const except = [`spared-${subject}`, ...(step % 2 === 0 ? [`once-${step}`] : [])]
        Atomics.store(progress, 3 + subjects + subject, step)
        denylist.apply({ tenant: acme, scope: { kind: 'subject', issuer, sub: `user-${subject}` }, cutoff: instant(cutoffAt(step)), except, forgetAfter: later })
        Atomics.store(progress, 3 + subject, step)
        denylist.applyQuarantine({ tenant: acme, agentId: 'held', version: turn + 1, quarantined: true, until: instant(2_000 + turn * 2 ** 30), forgetAfter: later })
        Atomics.store(progress, 2, turn + 1)
      }
      if (kept % 500 === 0) {
        const past = instant(2_000 + forgetMarginMs)
        for (let step = denylist.forgetSome(past, past); !step.isRoundDone;) step = denylist.forgetSome(past, past)
        await new Promise(setImmediate)
      }
    }
    Atomics.store(progress, 0, 1)
    const reports = await Promise.all(readers.map(({ report }) => report))
    await Promise.all(readers.map(({ worker }) => worker.terminate()))
    expect(reports.flatMap(({ faults }) => faults)).toEqual([])
    for (const { judged } of reports) expect(judged).toBeGreaterThan(1_000)
    // Memory that forgetting freed was used again: all that ever came would not have fitted in this.
    expect(denylist.memory.held).toBeLessThan(17 * (keptSessions + doomed))
  }, 30_000)

  test('a reader that died while it looked holds memory back only until it is released', () => {
    const denylist = new SharedDenylist({ key: new Uint8Array(16), maxBytes: 2 ** 25 })
    const dead = denylist.descriptor()
    // Its word says that it is looking, and nothing will ever say that it is not.
    const words = new Int32Array(dead.memory)
    Atomics.store(words, 64 + dead.reader * 16, 1)
    let next = 0
    const churn = () => {
      for (let i = 0; i < 20_000; i += 1) denylist.apply(absolute(`${next++}`, 1_000))
      denylist.forget(instant(2_000 + forgetMarginMs), instant(2_000 + forgetMarginMs))
      return denylist.memory.held
    }
    const [first, second] = [churn(), churn()]
    expect(second).toBeGreaterThan(first)
    denylist.release(dead)
    const settled = [churn(), churn(), churn()]
    expect(settled.at(-1)).toBe(settled[0])
  })
}
