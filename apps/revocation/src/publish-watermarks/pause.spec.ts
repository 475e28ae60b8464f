import { holdMs, longestPauseMs, pauseAfter } from './pause.js'

test('turns follow one another by the interval, and ever more slowly while they fail', () => {
  expect([0, 1, 2, 3, 4, 5, 100].map((failures) => pauseAfter(failures, 500))).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000, longestPauseMs])
})

test('an interval longer than any pause stays the pause', () => {
  expect([0, 1, 9].map((failures) => pauseAfter(failures, 60_000))).toEqual([60_000, 60_000, 60_000])
})

test('with the default interval another instance takes over in less than two seconds', () => {
  expect(holdMs(500) + 500).toBeLessThan(2_000)
})
