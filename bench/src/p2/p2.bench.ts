import { randomBytes } from 'node:crypto'
import { SharedDenylist, type MapDenylist, type PreparedFacts } from '@curfew/denylist'
import { instant } from '@curfew/kernel'
import { keptParts, provideParts } from '@curfew/testing/parts'
import { Redis } from 'ioredis'
import { judgedByLimit } from '../limit.js'
import { judged, type CaseResult } from '../result.js'
import { medianOf, summary, type Summary } from '../statistics.js'
import { applySmallKinds, decidedAt, liveToken, mapOf, revocationAt, shares } from './population.js'

export const title = 'decision on a verified token'

const now = instant(decidedAt + 2_000)
/** One sample is the mean of so many decisions: short of a scheduler's slice, long beside the clock's own cost. */
const batch = 100
/** DESIGN section 7 bars the median alone; ten times that bars the worst hundredth of the batches. */
const limit: Summary = { p50: 1_000, p99: 10_000 }

interface Run {
  readonly quick: boolean
  onCase(result: CaseResult): void
  say(line: string): void
}

/** P2 of DESIGN section 7: all nine kinds live, eleven probes a token, all of which miss. */
export async function runP2({ quick, onCase, say }: Run): Promise<void> {
  // A Redis is all that is wanted: parts that somebody keeps are taken as they are, and nothing that anybody started is touched.
  const kept = keptParts()
  const parts = kept === undefined ? await provideParts(say) : { addresses: kept.addresses, stop: async () => undefined }
  const redis = new Redis(parts.addresses.redis)
  try {
    const sizes = quick ? [100_000, 1_000_000] : [10_000, 100_000, 1_000_000, 10_000_000]
    const map = mapOf(quick ? 100_000 : 1_000_000)
    for (const entries of sizes) {
      const denylist = await loaded(entries, say)
      for (const distinct of quick ? [1_000, 50_000] : [1, 1_000, 100_000]) {
        say(`${entries} entries, ${distinct} tokens`)
        for (const one of await measure(denylist, map, redis, entries, distinct, quick)) onCase(one)
      }
    }
  } finally {
    redis.disconnect()
    await parts.stop()
  }
}

async function loaded(entries: number, say: (line: string) => void): Promise<SharedDenylist> {
  const denylist = new SharedDenylist({ key: randomBytes(16) })
  for (const [kind, share] of Object.entries(shares)) denylist.reserve(kind as keyof typeof shares, entries * share)
  applySmallKinds(denylist)
  const begin = performance.now()
  for (let i = 0; i < entries; i += 1) {
    denylist.apply(revocationAt(i))
    if (i % 100_000 === 0) await new Promise(setImmediate)
  }
  say(`applied ${entries} revocations in ${((performance.now() - begin) / 1000).toFixed(1)} s, ${(denylist.memory.held / denylist.size).toFixed(1)} bytes an entry`)
  return denylist
}

async function measure(denylist: SharedDenylist, map: MapDenylist, redis: Redis, entries: number, distinct: number, quick: boolean): Promise<CaseResult[]> {
  const facts = Array.from({ length: distinct }, (_, i) => liveToken(i))
  const prepared = facts.map((one) => denylist.prepare(one))
  // Written once: memory that was never touched is all one page of zeros to the system, and always in the cache.
  const memory = new Int32Array(Math.max(1, Math.floor(denylist.memory.held / 4))).fill(0)
  const rounds = quick ? 3 : 9
  const samples: Record<'floor' | 'judged' | 'unchanged' | 'map' | 'redis' | 'first', Summary[]> = { floor: [], judged: [], unchanged: [], map: [], redis: [], first: [] }
  for (let round = 0; round <= rounds; round += 1) {
    const taken = {
      floor: timed(quick, distinct, (i) => readAround(memory, i)),
      judged: timed(quick, distinct, (i) => rejudge(denylist, prepared[i]!)),
      unchanged: timed(quick, distinct, (i) => denylist.verdictOnPrepared(prepared[i]!, now) === 'revoked'),
      first: timed(quick, distinct, (i) => denylist.verdictOn(facts[i]!, now) === 'revoked', 20),
      map: timed(quick, distinct, (i) => map.verdictOn(facts[i]!, now) === 'revoked', 20),
      redis: await timedRedis(redis, quick),
    }
    // The first round warms the compiler up and counts for nothing.
    if (round > 0) for (const name of Object.keys(samples) as (keyof typeof samples)[]) samples[name].push(taken[name])
  }
  const of = (name: keyof typeof samples) => medianOf(samples[name])
  const label = `${entries} entries, ${distinct} tokens`
  const peers = { 'Map of strings': of('map'), 'Redis GET': of('redis') }
  return [
    judgedByLimit({ case: `${label}, after a change`, floor: of('floor'), ours: of('judged'), peers }, limit),
    judgedByLimit({ case: `${label}, nothing changed`, floor: of('floor'), ours: of('unchanged'), peers }, limit),
    judged({ case: `${label}, first sight (hashing included)`, floor: of('floor'), ours: of('first'), peers }),
  ]
}

/** As after any change: what the token remembers of its last verdict does not count. */
function rejudge(denylist: SharedDenylist, prepared: PreparedFacts): boolean {
  prepared.judgedBy = undefined
  return denylist.verdictOnPrepared(prepared, now) === 'revoked'
}

/** The floor: eleven independent reads of one word each, at places that this token always reads, in as much memory as the denylist holds. */
function readAround(memory: Int32Array, token: number): boolean {
  let sum = 0
  for (let probe = 0; probe < 11; probe += 1) {
    const mixed = Math.imul(Math.imul(token * 11 + probe + 1, 0x9e3779b1) ^ 0x5bd1e995, 0x85ebca6b) >>> 0
    sum |= memory[Math.floor((mixed / 2 ** 32) * memory.length)]!
  }
  return sum !== 0
}

function timed(quick: boolean, distinct: number, decide: (token: number) => boolean, slower = 1): Summary {
  const taken: number[] = []
  let token = 0
  let refused = 0
  const batches = Math.ceil((quick ? 1_000 : 3_000) / slower)
  for (let sample = 0; sample < batches; sample += 1) {
    const begin = process.hrtime.bigint()
    for (let i = 0; i < batch; i += 1) {
      if (decide(token)) refused += 1
      // A stride that visits all of them, in an order that no prefetcher foresees.
      token = (token + 7_919) % distinct
    }
    taken.push(Number(process.hrtime.bigint() - begin) / batch)
  }
  if (refused > 0) throw new Error('a live token was refused')
  return summary(taken)
}

async function timedRedis(redis: Redis, quick: boolean): Promise<Summary> {
  const taken: number[] = []
  for (let i = 0; i < (quick ? 300 : 1_000); i += 1) {
    const begin = process.hrtime.bigint()
    await redis.get(`curfew-bench:${i}`)
    taken.push(Number(process.hrtime.bigint() - begin))
  }
  return summary(taken)
}
