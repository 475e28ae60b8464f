import { judged, type CaseResult } from '../result.js'
import { medianOf, summary, type Summary } from '../statistics.js'
import { paced } from '../pacing.js'

export interface Side {
  prepare(count: number): Promise<void>
  sample(): Promise<number>
}

export interface Load {
  readonly perSecond: number
  readonly samples: number
  readonly rounds: number
  readonly hasBar: boolean
}

/** DESIGN section 7: p50 within 1.5 and p99 within 2 of the floor. */
const bar = { p50: 1.5, p99: 2 }

export const fullLoads: readonly Load[] = [
  { perSecond: 1, samples: 25, rounds: 3, hasBar: true },
  { perSecond: 100, samples: 400, rounds: 3, hasBar: true },
  { perSecond: 1_000, samples: 1_000, rounds: 2, hasBar: false },
]
export const quickLoads: readonly Load[] = [
  { perSecond: 1, samples: 3, rounds: 1, hasBar: true },
  { perSecond: 100, samples: 100, rounds: 1, hasBar: true },
]

/** One case: floor and ours alternate round by round, so that what disturbs the machine disturbs both. The first samples warm up and do not count. */
export async function measure(gateways: number, { perSecond, samples, rounds, hasBar }: Load, floor: Side, ours: Side): Promise<CaseResult> {
  for (const side of [floor, ours]) await warm(side)
  const figures: { floor: Summary[]; ours: Summary[] } = { floor: [], ours: [] }
  for (let round = 0; round < rounds; round += 1) {
    // Whoever goes second finds warmer caches: they take turns.
    const sides = round % 2 === 0 ? (['floor', 'ours'] as const) : (['ours', 'floor'] as const)
    for (const name of sides) figures[name].push(await block(name === 'floor' ? floor : ours, samples, perSecond))
  }
  const name = `${gateways} gateway${gateways === 1 ? '' : 's'}, ${perSecond}/s`
  return judged({ case: name, floor: medianOf(figures.floor), ours: medianOf(figures.ours), ...(hasBar ? { bar } : {}) })
}

/** Compilers and caches settle before anything counts: a service in use has been in use. */
const firstWarmUps = 200
const warmUps = 20

async function warm(side: Side): Promise<void> {
  await side.prepare(firstWarmUps)
  await paced(firstWarmUps, 100, side.sample)
}

async function block(side: Side, samples: number, perSecond: number): Promise<Summary> {
  await side.prepare(samples + warmUps)
  await paced(warmUps, Math.max(20, Math.min(perSecond, 100)), side.sample)
  return summary(await paced(samples, perSecond, side.sample))
}
