/** What we read of the report that Jest writes with `--json`. */
export interface JestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  /** Spec files that could not even be loaded, or hold no test. */
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly unknown[]
}

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** One sentence for each failure that no test of its own tells. */
  readonly complaints: readonly string[]
}

/** How one run of Jest ended, besides what it reported. */
export interface JestRun {
  readonly report: JestReport | undefined
  /** Spec files that should have run. */
  readonly specFiles: number
  readonly endedWell: boolean
}

/** Counts one run. Whatever is not proven to have passed has failed: skipped tests, files that did not run, a run without a report. */
export function tallyOf({ report, specFiles, endedWell }: JestRun): Tally {
  if (!report) return specFiles === 0 ? { passed: 0, failed: 0, complaints: [] } : { passed: 0, failed: 1, complaints: ['Jest ended without a report'] }
  const unrun = Math.max(0, specFiles - report.testResults.length)
  const skipped = report.numPendingTests + report.numTodoTests
  const told = report.numFailedTests + report.numRuntimeErrorTestSuites + unrun + skipped
  const silent = told === 0 && !endedWell ? 1 : 0
  const complaints = [
    unrun > 0 && `${unrun} of ${specFiles} spec files did not run`,
    skipped > 0 && `${skipped} tests are skipped or only planned`,
    report.numRuntimeErrorTestSuites > 0 && `${report.numRuntimeErrorTestSuites} spec files could not be run`,
    silent > 0 && 'every test passed, yet Jest did not end well',
  ]
  return { passed: report.numPassedTests, failed: told + silent, complaints: complaints.filter((complaint) => complaint !== false) }
}

export function sum(tallies: readonly Tally[]): Tally {
  const add = (pick: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + pick(tally), 0)
  return { passed: add(({ passed }) => passed), failed: add(({ failed }) => failed), complaints: tallies.flatMap(({ complaints }) => complaints) }
}

/** The line by which anybody, and any program, reads the result. */
export const finalLine = ({ passed, failed }: Tally): string => `${passed} passed, ${failed} failed`

export function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
