/** Nearest-rank percentile of a sample in any order; `share` in (0, 1]. */
export function percentile(sample: readonly number[], share: number): number {
  if (sample.length === 0) throw new RangeError('an empty sample has no percentiles')
  const sorted = Float64Array.from(sample).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number
}

export interface Summary {
  readonly p50: number
  readonly p99: number
}

export const summary = (sample: readonly number[]): Summary => ({ p50: percentile(sample, 0.5), p99: percentile(sample, 0.99) })

/** Several runs of one case as one figure: the median of each run's percentiles, so that one disturbed run does not decide. */
export const medianOf = (runs: readonly Summary[]): Summary => ({
  p50: percentile(runs.map((run) => run.p50), 0.5), p99: percentile(runs.map((run) => run.p99), 0.5),
})
