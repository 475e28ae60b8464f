import { instant } from '@curfew/kernel'
import fc from 'fast-check'
import { generateKeyPairSync } from 'node:crypto'
import { driftPpm, isSigned, primaryNowAtMost, signRecord, stalenessMs, Watermarks } from './index.js'

const far = instant(1e12)

describe('staleness (PROTOCOL section 7)', () => {
  const sample = { primary: instant(1_000_000), sentMonotonicMs: 500, sentWallMs: 9_000_000 }

  test('a wall clock five minutes slow hides nothing: elapsed time counts from the send instant', () => {
    expect(primaryNowAtMost(sample, 1_500, 9_000_000 - 300_000)).toBe(1_000_000 + Math.ceil(1_000 * (1 + driftPpm / 1e6)))
  })

  test('a suspended machine, whose monotonic clock stood still, counts by its wall clock', () => {
    expect(primaryNowAtMost(sample, 500, 9_060_000)).toBeGreaterThanOrEqual(1_060_000)
  })

  test('time never runs backwards, and the bound never falls below what the primary said', () => {
    expect(primaryNowAtMost(sample, 400, 8_000_000)).toBe(1_000_000)
  })

  test('without a watermark staleness is unbounded, and it is never negative', () => {
    expect([stalenessMs(undefined, far), stalenessMs(instant(5), instant(3)), stalenessMs(instant(5), instant(9))]).toEqual([Infinity, 0, 4])
  })
})

describe('a watermark (I9)', () => {
  test('is the minimum over partitions, and nothing until each of those it names has spoken', () => {
    const marks = new Watermarks()
    marks.advance(0, instant(10), 3, far)
    marks.advance(1, instant(20), 3, far)
    expect(marks.value).toBeUndefined()
    marks.advance(2, instant(15), 3, far)
    expect(marks.value).toBe(10)
  })

  test('named over more partitions is incomplete until those have spoken too', () => {
    const marks = new Watermarks()
    marks.advance(0, instant(10), 1, far)
    marks.advance(0, instant(11), 2, far)
    expect(marks.value).toBeUndefined()
  })

  test('beyond what the primary can show is ignored, and an unintelligible record freezes its partition', () => {
    const marks = new Watermarks()
    expect(marks.advance(0, instant(101), 1, instant(100))).toBe('ignored')
    expect(marks.advance(0, instant(50), 1, instant(100))).toBe('advanced')
    marks.freeze(0, 7n)
    expect(marks.advance(0, instant(60), 1, instant(100))).toBe('ignored')
    expect(marks.value).toBe(50)
  })

  test('past what the primary shows after its clock was set back is forgotten, and lower ones count again', () => {
    const marks = new Watermarks()
    for (const partition of [0, 1]) marks.advance(partition, instant(600 + partition), 2, far)
    marks.disbelieve(instant(600))
    expect(marks.value).toBeUndefined()
    marks.advance(1, instant(100), 2, instant(600))
    expect(marks.value).toBe(100)
  })

  test('of a frozen partition goes on only when every record that froze it is covered by other means', () => {
    const marks = new Watermarks()
    marks.freeze(0, 7n)
    marks.freeze(0, 5n)
    marks.thaw([7n])
    expect([marks.frozenPartitions, marks.advance(0, instant(60), 1, far)]).toEqual([[0], 'ignored'])
    marks.thaw([8n])
    expect([marks.frozenPartitions, marks.advance(0, instant(60), 1, far)]).toEqual([[], 'advanced'])
  })

  test('never falls, whatever the order and the repeats of the records of a fixed set of partitions', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(50)), { maxLength: 40 }), (records) => {
      const marks = new Watermarks()
      let last = -1
      for (const [partition, at] of records) {
        marks.advance(partition, instant(at), 3, far)
        expect(marks.value ?? last).toBeGreaterThanOrEqual(last)
        last = marks.value ?? last
      }
      const highest = [0, 1, 2].map((partition) => Math.max(-1, ...records.filter(([p]) => p === partition).map(([, at]) => at)))
      expect(marks.value ?? -1).toBe(Math.min(...highest))
    }))
  })
})

describe('a signed record (PROTOCOL section 6)', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keys = new Map([['k1', publicKey]])
  const parts = { topic: 'curfew.revocations.v1', id: '1', source: 'urn:curfew:revocation', type: 't', tenant: 'default', value: Buffer.from('{}') }
  const signature = signRecord(parts, { kid: 'k1', privateKey })

  test('is accepted as it was signed', () => expect(isSigned(parts, signature, keys)).toBe(true))

  test.each(['topic', 'id', 'source', 'type', 'tenant'] as const)('with another %s is refused', (name) => {
    expect(isSigned({ ...parts, [name]: `${parts[name]}x` }, signature, keys)).toBe(false)
  })

  test('with another value, or with text moved between its parts, is refused', () => {
    expect(isSigned({ ...parts, value: Buffer.from('{ }') }, signature, keys)).toBe(false)
    expect(isSigned({ ...parts, id: '', source: '1/revocation' }, signature, keys)).toBe(false)
  })

  test.each([undefined, '', 'k1', 'k1.', 'k2.' + 'A'.repeat(86), `${signature}.x`, `${signature}=`, 'k1.' + 'A'.repeat(86)])('with signature %p is refused, never thrown on', (bad) => {
    expect(isSigned(parts, bad, keys)).toBe(false)
  })
})
