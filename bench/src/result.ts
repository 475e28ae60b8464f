import type { Summary } from './statistics.js'

export interface Bar {
  readonly p50: number
  readonly p99: number
}

export interface CaseResult {
  readonly case: string
  readonly floor: Summary
  readonly ours: Summary
  readonly peers: Readonly<Record<string, Summary>>
  readonly ratio: Summary
  /** Null where a case is reported without a bar. */
  readonly bar: Bar | null
  readonly met: boolean | null
}

/** What `bench/results/<id>.json` holds (DESIGN section 7). */
export interface BenchResult {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly cases: readonly CaseResult[]
  readonly machine: string
  readonly node: string
  readonly startedAt: string
}

export interface Measured {
  readonly case: string
  readonly floor: Summary
  readonly ours: Summary
  readonly peers?: Readonly<Record<string, Summary>>
  readonly bar?: Bar
}

/** A case with its ratios to the floor of the same run, judged against its bar where it has one. */
export function judged({ case: name, floor, ours, peers = {}, bar }: Measured): CaseResult {
  const ratio = { p50: ours.p50 / floor.p50, p99: ours.p99 / floor.p99 }
  return { case: name, floor, ours, peers, ratio, bar: bar ?? null, met: bar === undefined ? null : ratio.p50 <= bar.p50 && ratio.p99 <= bar.p99 }
}

const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))

/** The one line a case prints. */
export function lineOf(id: string, unit: string, { case: name, floor, ours, ratio, bar, met }: CaseResult): string {
  const verdict = bar === null ? 'no bar' : `bar ${bar.p50} / ${bar.p99}, ${met ? 'met' : 'NOT met'}`
  return `${id} ${name}: floor p50 ${short(floor.p50)} ${unit} p99 ${short(floor.p99)} ${unit}, ours ${short(ours.p50)} / ${short(ours.p99)}, ratio ${short(ratio.p50)} / ${short(ratio.p99)}, ${verdict}`
}
