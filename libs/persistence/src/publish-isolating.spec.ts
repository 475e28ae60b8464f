import type { OutgoingRecord, Position } from '@curfew/bus'
import { Fault, type ProblemCode } from '@curfew/contracts'
import fc from 'fast-check'
import type { OutboxRow } from './outbox-statement.js'
import { publishIsolating, requests } from './publish-isolating.js'

const row = (id: number, bytes = 1): OutboxRow => ({ id: String(id), record: { topic: 't', key: null, value: Buffer.alloc(bytes, id % 256), headers: { id: String(id) } } })
const rows = (count: number): OutboxRow[] => Array.from({ length: count }, (_, id) => row(id))
const positions = (records: OutgoingRecord[]): Position[] =>
  records.map(({ headers }) => ({ topic: 't', topicId: 'i', partition: 0, leaderEpoch: 0, offset: BigInt(headers.id as string) }))
const ids = (some: readonly { id: string }[]): number[] => some.map(({ id }) => Number(id)).sort((a, b) => a - b)

/** A log that takes no request with one of these rows in it. */
function refusing(bad: readonly number[], code?: ProblemCode): { publish: (records: OutgoingRecord[]) => Promise<Position[]>; requests: () => number } {
  let count = 0
  return {
    requests: () => count,
    publish: async (records) => {
      count++
      if (records.some(({ headers }) => bad.includes(Number(headers.id)))) throw code ? new Fault(code) : new Error('no')
      return positions(records)
    },
  }
}

test('what nobody objects to goes in one request, in order', async () => {
  const seen: OutgoingRecord[][] = []
  const outcome = await publishIsolating(rows(100), async (records) => {
    seen.push(records)
    return positions(records)
  })
  expect(seen.map((request) => request.map(({ headers }) => Number(headers.id)))).toEqual([rows(100).map(({ id }) => Number(id))])
  expect(outcome).toMatchObject({ refused: [] })
})

test.each([undefined, 'record.too_large', 'dependency.unavailable', 'topic.unknown'] as const)('one row that nobody takes (%s) keeps none of the others', async (code) => {
  const log = refusing([37], code)
  const outcome = await publishIsolating(rows(100), log.publish, () => 5)
  expect(outcome.down).toBeUndefined()
  expect(ids(outcome.refused)).toEqual([37])
  expect(outcome.acknowledged).toHaveLength(99)
  expect(log.requests()).toBeLessThan(20)
})

test('a log that is away is found out with two requests, and no row is blamed', async () => {
  const log = refusing(ids(rows(500)), 'dependency.unavailable')
  expect(await publishIsolating(rows(500), log.publish)).toMatchObject({ acknowledged: [], refused: [], down: {} })
  expect(log.requests()).toBe(2)
})

test('a log that fails without saying why is away when two rows fail alone', async () => {
  const log = refusing(ids(rows(500)))
  const outcome = await publishIsolating(rows(500), log.publish)
  expect(outcome.down).toBeDefined()
  expect(outcome.refused).toHaveLength(2)
})

test('a row that fails with nobody beside it is to blame only if the error says so', async () => {
  for (const code of [undefined, 'dependency.unavailable', 'topic.unknown'] as const) {
    expect(await publishIsolating(rows(1), refusing([0], code).publish)).toMatchObject({ refused: [], down: {} })
  }
  const outcome = await publishIsolating(rows(1), refusing([0], 'record.too_large').publish)
  expect(outcome.down).toBeUndefined()
  expect(ids(outcome.refused)).toEqual([0])
})

test('a log that goes away half way through is noticed, and what it took counts', async () => {
  let left = 2
  const outcome = await publishIsolating([row(1000, 1_048_576), row(1001, 1_048_576), ...rows(500)], async (records) => {
    if (left-- <= 0) throw new Fault('dependency.unavailable')
    return positions(records)
  })
  expect(outcome.acknowledged).toHaveLength(2)
  expect(outcome.down).toBeDefined()
})

test('whatever is refused, run after run on what is left, everything else gets through', async () => {
  await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.nat(39), { maxLength: 12 }), fc.constantFrom(undefined, 'dependency.unavailable', 'topic.unknown' as const), fc.infiniteStream(fc.nat(1000)),
    async (bad, code, chosen) => {
      const log = refusing(bad, code as ProblemCode | undefined)
      let left = rows(40)
      let putOff = new Set<string>()
      for (let run = 0; run < 400 && left.some(({ id }) => !bad.includes(Number(id))); run++) {
        // Rows that were refused are put off for a while; when nothing else is left, they are due again.
        const due = left.filter(({ id }) => !putOff.has(id))
        if (due.length === 0) putOff = new Set()
        const outcome = await publishIsolating(due, log.publish, (count) => (chosen.next().value as number) % count)
        for (const { id } of outcome.refused) putOff.add(id)
        const gone = new Set(outcome.acknowledged.map(({ id }) => id))
        expect(outcome.refused.every(({ id }) => !gone.has(id))).toBe(true)
        left = left.filter(({ id }) => !gone.has(id))
      }
      expect(ids(left)).toEqual([...bad].sort((a, b) => a - b))
    }), { numRuns: 200 })
})

test('requests stay below what a broker takes, and an oversized row goes alone', () => {
  const all = requests([row(1, 600_000), row(2, 600_000), row(3, 2_000_000), ...rows(1200)])
  expect(all.map(({ length }) => length)).toEqual([1, 1, 1, 500, 500, 200])
  expect(requests([])).toEqual([])
})
