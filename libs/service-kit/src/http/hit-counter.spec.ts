import { ManualClock } from '@curfew/kernel'
import { LocalMemory } from '../memory/local-memory.adapter.js'
import type { SharedMemory } from '../shared-memory.js'
import { HitCounter } from './hit-counter.js'

const clock = new ManualClock(0)
const windowMs = 60_000

/** A memory that answers when it is told to. */
function slowMemory(): { memory: SharedMemory; answer(): Promise<void> } {
  const local = new LocalMemory(clock)
  const waiting: (() => void)[] = []
  const memory = { hit: (key: string, ms: number) => new Promise((resolve) => waiting.push(() => void local.hit(key, ms).then(resolve))) } as unknown as SharedMemory
  return { memory, answer: async () => {
    for (const go of waiting.splice(0)) go()
    await new Promise((resolve) => setImmediate(resolve))
  } }
}

test('the first request of a caller waits to be counted, the next ones do not, and each is counted', async () => {
  const { memory, answer } = slowMemory()
  const counter = new HitCounter(memory, clock, windowMs, 100)
  const first = counter.hit('a')
  await answer()
  expect((await first).hits).toBe(1)
  expect((await counter.hit('a')).hits).toBe(2)
  expect((await counter.hit('a')).hits).toBe(3)
  await answer()
  expect((await counter.hit('a')).hits).toBe(4)
})

test('near the limit every request waits for the shared count, so no caller passes it', async () => {
  const memory = new LocalMemory(clock)
  const one = new HitCounter(memory, clock, windowMs, 10)
  const other = new HitCounter(memory, clock, windowMs, 10)
  const counts: number[] = []
  for (let n = 0; n < 10; n += 1) counts.push((await one.hit('b')).hits, (await other.hit('b')).hits)
  expect(counts.at(-1)).toBe(20)
  expect(counts.filter((hits) => hits > 10)).toHaveLength(10)
})

test('a new window is counted anew', async () => {
  const memory = new LocalMemory(clock)
  const counter = new HitCounter(memory, clock, windowMs, 10)
  for (let n = 0; n < 20; n += 1) await counter.hit('c')
  clock.advance(windowMs + 1)
  expect((await counter.hit('c')).hits).toBe(1)
})

test('a memory that fails once a caller is known refuses nobody', async () => {
  const memory = new LocalMemory(clock)
  const counter = new HitCounter(memory, clock, windowMs, 100)
  await counter.hit('d')
  memory.hit = () => Promise.reject(new Error('away'))
  expect((await counter.hit('d')).hits).toBe(2)
})
