import { judged, type CaseResult, type Measured } from './result.js'
import type { Summary } from './statistics.js'

/** A case whose bar is a figure of its own rather than a ratio: it is written as the ratio that the floor of this run makes of it. */
export function judgedByLimit(measured: Omit<Measured, 'bar'>, limit: Summary): CaseResult {
  const ratio = (figure: number, floor: number) => Math.floor((figure / floor) * 100) / 100
  return judged({ ...measured, bar: { p50: ratio(limit.p50, measured.floor.p50), p99: ratio(limit.p99, measured.floor.p99) } })
}
