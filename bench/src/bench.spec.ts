import fc from 'fast-check'
import { chartOf } from './chart.js'
import { judged, lineOf, type BenchResult } from './result.js'
import { medianOf, percentile, summary } from './statistics.js'

test('a percentile is the smallest value that covers its share of the sample', () => {
  fc.assert(fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), fc.double({ min: 0.001, max: 1, noNaN: true }), (sample, share) => {
    const value = percentile(sample, share)
    const covered = sample.filter((one) => one <= value).length / sample.length
    const below = sample.filter((one) => one < value).length / sample.length
    expect(covered).toBeGreaterThanOrEqual(share - 1e-9)
    expect(below).toBeLessThan(share + 1e-9)
  }))
})

test('an empty sample has no figure, rather than zero', () => {
  expect(() => summary([])).toThrow('empty sample')
})

test('one disturbed run of three does not decide', () => {
  expect(medianOf([{ p50: 1, p99: 2 }, { p50: 90, p99: 900 }, { p50: 1.2, p99: 3 }])).toEqual({ p50: 1.2, p99: 3 })
})

const measured = { case: '10 gateways, 100/s', floor: { p50: 2, p99: 7 }, ours: { p50: 2.6, p99: 9 }, bar: { p50: 1.5, p99: 2 } }

test('a case is met only when both ratios are within the bar', () => {
  expect(judged(measured).met).toBe(true)
  expect(judged({ ...measured, ours: { p50: 3.1, p99: 9 } }).met).toBe(false)
  expect(judged({ ...measured, ours: { p50: 2.6, p99: 15 } }).met).toBe(false)
  expect(judged({ ...measured, bar: undefined }).met).toBeNull()
})

test('the printed line is the one the design gives', () => {
  expect(lineOf('P1', 'ms', judged(measured))).toBe('P1 10 gateways, 100/s: floor p50 2.00 ms p99 7.00 ms, ours 2.60 / 9.00, ratio 1.30 / 1.29, bar 1.5 / 2, met')
})

test('the chart shows every case and escapes what it prints', () => {
  const result: BenchResult = {
    id: 'P1', title: 'a < b', unit: 'ms', cases: [judged({ ...measured, peers: { 'same path, bare': { p50: 2, p99: 3 } } })],
    machine: '2 cores & more', node: 'v24', startedAt: '2026-11-24T00:00:00.000Z',
  }
  const svg = chartOf(result)
  expect(svg).toContain('10 gateways, 100/s')
  expect(svg).toContain('a &#60; b')
  expect(svg).toContain('same path, bare')
  expect(svg).not.toContain('cores & more')
})
