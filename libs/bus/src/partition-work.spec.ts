import { PartitionWork, type WorkLimits } from './partition-work.js'
import type { BusRecord } from './port.js'

const record = (offset: number, key: string | null = 'k', bytes = 1): BusRecord =>
  ({ topic: 't', partition: 0, offset: BigInt(offset), key, value: Buffer.alloc(bytes), headers: {}, timestamp: offset })
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Handlers that end when the test says so. */
function work(limits?: Partial<WorkLimits>) {
  const begun: number[] = []
  const open = new Map<number, { done(): Promise<void>; fail(error?: Error): Promise<void>; signal: AbortSignal }>()
  const subject = new PartitionWork((taken, signal) => new Promise<void>((resolve, reject) => {
    const offset = Number(taken.offset)
    begun.push(offset)
    open.set(offset, { signal, done: () => (resolve(), settled() as Promise<void>), fail: (error) => (reject(error ?? new Error('no')), settled() as Promise<void>) })
  }), () => undefined, { running: 2, waiting: 4, waitingBytes: 10_000, window: 8, ...limits })
  const done = async (offset: number) => { await open.get(offset)!.done() }
  return { subject, begun, open, done }
}

test('one key is in order, two keys run side by side', async () => {
  const { subject, begun, done } = work()
  subject.add([record(0, 'a'), record(1, 'a'), record(2, 'b')], 3n)
  expect(begun).toEqual([0, 2])
  await done(0)
  expect(begun).toEqual([0, 2, 1])
})

test('records without a key are in order', async () => {
  const { subject, begun, done } = work()
  subject.add([record(0, null), record(1, null)], 2n)
  expect(begun).toEqual([0])
  await done(0)
  expect(begun).toEqual([0, 1])
})

test('only what lies below the lowest unfinished record may be committed', async () => {
  const { subject, done } = work()
  expect(subject.committable).toBeUndefined()
  subject.add([record(5, 'a'), record(6, 'b'), record(7, 'b')], 8n)
  await done(6)
  expect(subject.committable).toBe(5n)
  await done(5)
  expect(subject.committable).toBe(7n)
  await done(7)
  expect(subject.committable).toBe(8n)
  subject.add([], 12n)
  expect(subject.committable).toBe(12n)
})

test('no more handlers run than allowed, and each that ends lets one begin', async () => {
  const { subject, begun, done } = work()
  subject.add([0, 1, 2, 3].map((n) => record(n, `k${n}`)), 4n)
  expect(begun).toEqual([0, 1])
  await done(1)
  expect(begun).toEqual([0, 1, 2])
})

test('it is full by records, by bytes, and by what is done but held up', async () => {
  const records = work()
  records.subject.add([0, 1, 2, 3, 4].map((n) => record(n)), 5n)
  expect(records.subject.isFull).toBe(true)
  const bytes = work()
  bytes.subject.add([record(0), record(1, 'k', 20_000)], 2n)
  expect(bytes.subject.isFull).toBe(true)
  const window = work({ window: 3 })
  window.subject.add([record(0, 'stuck'), record(1, 'a'), record(2, 'a')], 3n)
  await window.done(1)
  await window.done(2)
  expect(window.subject.isFull).toBe(true)
  await window.done(0)
  expect(window.subject.isFull).toBe(false)
})

test('a rejection stops this partition and names the offset', async () => {
  const { subject, begun, open, done } = work()
  subject.add([record(0, 'a'), record(1, 'b'), record(2, 'b'), record(3, 'c')], 4n)
  await open.get(0)!.fail(new TypeError('x is undefined'))
  expect(subject.stopped).toBe('stopped at offset 0: TypeError: x is undefined')
  await done(1)
  expect(begun).toEqual([0, 1])
  expect(subject.committable).toBe(0n)
})

test('while held nothing begins, the waiting are told, and what they left begins again in order', async () => {
  const { subject, begun, open, done } = work()
  subject.add([record(0, 'a'), record(1, 'a')], 2n)
  subject.hold()
  expect(open.get(0)!.signal.aborted).toBe(true)
  await open.get(0)!.fail()
  expect([subject.isIdle, subject.stopped, subject.committable]).toEqual([true, undefined, 0n])
  subject.proceed()
  expect(begun).toEqual([0, 0])
  await done(0)
  expect(begun).toEqual([0, 0, 1])
})

test('what is fetched again while it is in hand does not begin twice', async () => {
  const { subject, begun, done } = work()
  subject.add([record(4, 'a'), record(5, 'b'), record(6, 'a')], 7n)
  await done(5)
  subject.add([record(4, 'a'), record(5, 'b'), record(6, 'a'), record(7, 'b')], 8n)
  expect(begun).toEqual([4, 5, 7])
  await done(4)
  await done(6)
  await done(7)
  expect(begun).toEqual([4, 5, 7, 6])
  expect(subject.committable).toBe(8n)
})

test('it says when a condition holds', async () => {
  const { subject, done } = work()
  subject.add([record(0)], 1n)
  let idle = false
  void subject.until(() => subject.isIdle).then(() => { idle = true })
  await settled()
  expect(idle).toBe(false)
  await done(0)
  expect(idle).toBe(true)
})
