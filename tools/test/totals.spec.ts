import { duration, finalLine, sum, tallyOf, type JestReport } from './totals.js'

const green: JestReport = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, numRuntimeErrorTestSuites: 0, testResults: [{}, {}] }
const run = { report: green, specFiles: 2, endedWell: true }

test('a green run counts its tests and complains about nothing', () => {
  expect(tallyOf(run)).toEqual({ passed: 5, failed: 0, complaints: [] })
})

test('a project without specs has nothing to report', () => {
  expect(tallyOf({ report: undefined, specFiles: 0, endedWell: true })).toEqual({ passed: 0, failed: 0, complaints: [] })
})

test('spec files without a report have failed', () => {
  expect(tallyOf({ ...run, report: undefined })).toEqual({ passed: 0, failed: 1, complaints: ['Jest ended without a report'] })
})

test('a spec file that did not run has failed', () => {
  expect(tallyOf({ ...run, specFiles: 3 })).toEqual({ passed: 5, failed: 1, complaints: ['1 of 3 spec files did not run'] })
})

test('skipped and planned tests have failed', () => {
  expect(tallyOf({ ...run, report: { ...green, numPendingTests: 1, numTodoTests: 2 } })).toMatchObject({ failed: 3, complaints: ['3 tests are skipped or only planned'] })
})

test('a spec file that could not be loaded has failed', () => {
  expect(tallyOf({ ...run, report: { ...green, numRuntimeErrorTestSuites: 1 }, endedWell: false })).toMatchObject({ passed: 5, failed: 1 })
})

test('a bad end without a failed test is a failure, and one with failed tests is not counted twice', () => {
  expect(tallyOf({ ...run, endedWell: false })).toMatchObject({ passed: 5, failed: 1 })
  expect(tallyOf({ ...run, report: { ...green, numFailedTests: 2 }, endedWell: false })).toMatchObject({ failed: 2, complaints: [] })
})

test('totals add up to the one plain line', () => {
  expect(finalLine(sum([{ passed: 3, failed: 1, complaints: [] }, { passed: 4, failed: 0, complaints: [] }]))).toBe('7 passed, 1 failed')
  expect(finalLine(sum([]))).toBe('0 passed, 0 failed')
})

test('durations read as people say them', () => {
  expect([450, 59_940, 61_000, 754_600].map(duration)).toEqual(['0.5 s', '59.9 s', '1 min 1 s', '12 min 35 s'])
})
