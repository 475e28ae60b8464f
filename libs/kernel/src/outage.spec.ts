import { ManualClock, Outage } from './index.js'

const clock = new ManualClock(0)
const failEvery = (outage: Outage, everyMs: number, times: number) => Array.from({ length: times }, () => {
  const news = outage.failed()
  clock.advance(everyMs)
  return news?.level
})

test('neighbours that start together are told of quietly, once', () => {
  const outage = new Outage(clock)
  expect(failEvery(outage, 500, 9)).toEqual(['info', ...Array<undefined>(8).fill(undefined)])
  expect(outage.over()).toBe(4_500)
})

test('what lasts five seconds is told aloud, then once in thirty, and so is its end', () => {
  const outage = new Outage(clock)
  const levels = failEvery(outage, 1_000, 70)
  expect(levels.map((level, at) => (level === 'warn' ? at : -1)).filter((at) => at >= 0)).toEqual([5, 35, 65])
  expect(outage.over()).toBe(70_000)
})

test('the next outage begins anew', () => {
  const outage = new Outage(clock)
  failEvery(outage, 1_000, 10)
  outage.over()
  expect(failEvery(outage, 1_000, 2)).toEqual(['info', undefined])
  expect(outage.over()).toBe(2_000)
})

test('what was never away is not told to be back, and an end is told once', () => {
  const outage = new Outage(clock)
  expect(outage.over()).toBeUndefined()
  outage.failed()
  expect([outage.over(), outage.over()]).toEqual([0, undefined])
})
