import { inspect } from 'node:util'
import { canonicalJson, instant, ManualClock, parseInstant, Secret, tenantId, toIso } from './index.js'

test('an instant survives the trip through RFC 3339 to the millisecond', () => {
  const at = instant(1_795_500_000_123)
  expect(parseInstant(toIso(at))).toBe(at)
})

test('digits below the millisecond are dropped towards the past, so a cutoff never grows by rounding', () => {
  expect(parseInstant('2026-11-23T20:15:04.123999Z')).toBe(parseInstant('2026-11-23T20:15:04.123Z'))
})

test.each(['yesterday', '2026-11-23', '2026-11-23T20:15:04', '2026-13-40T99:00:00Z', ''])('%p is not an instant', (text) => {
  expect(parseInstant(text)).toBeUndefined()
})

test('a secret prints as a mask by every ordinary road', () => {
  const secret = new Secret('hunter2')
  const roads = [String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}`]
  for (const road of roads) expect(road).not.toContain('hunter2')
  expect(secret.reveal()).toBe('hunter2')
})

test('two orders of members are one canonical text', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe(canonicalJson({ b: [1, { c: 'x', d: null }] }))
})

test('a manual clock steps its wall without moving durations', () => {
  const clock = new ManualClock(1000)
  clock.advance(5)
  clock.step(-500)
  expect([clock.now(), clock.monotonicMs()]).toEqual([505, 5])
})

test.each(['', 'Upper', '../x', 'a'.repeat(64), '*'])('%p is not a tenant', (text) => {
  expect(() => tenantId(text)).toThrow(RangeError)
})
