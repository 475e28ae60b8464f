import { until } from '@curfew/testing'
import type { SharedMemory } from '../shared-memory.js'

/** What keeping the port means. `make` gives an empty memory whose keys nobody else uses. */
export function describeSharedMemory(name: string, make: () => Promise<SharedMemory> | SharedMemory): void {
  describe(`${name} as shared memory`, () => {
    let memory: SharedMemory
    beforeEach(async () => void (memory = await make()))
    afterEach(() => memory.close())

    test('counts the hits of a window, each key by itself', async () => {
      expect([await memory.hit('a', 60_000), await memory.hit('a', 60_000), await memory.hit('b', 60_000)].map(({ hits }) => hits)).toEqual([1, 2, 1])
      const { resetMs } = await memory.hit('a', 60_000)
      expect(resetMs).toBeGreaterThan(0)
      expect(resetMs).toBeLessThanOrEqual(60_000)
    })

    test('a window that has passed begins anew, and hits do not prolong it', async () => {
      await memory.hit('w', 150)
      await until(async () => (await memory.hit('w', 150)).hits === 1, { timeoutMs: 5_000, what: 'a new window' })
    })

    test('counts every one of many at once', async () => {
      const hits = await Promise.all(Array.from({ length: 100 }, () => memory.hit('c', 60_000)))
      expect(hits.map(({ hits: each }) => each).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
    })

    test('keeps a value until its time is over, the last one written', async () => {
      expect(await memory.get('v')).toBeUndefined()
      await memory.put('v', 'first', 60_000)
      await memory.put('v', 'second \u0000 ü', 60_000)
      expect(await memory.get('v')).toBe('second \u0000 ü')
      await memory.put('v', 'brief', 50)
      await until(async () => (await memory.get('v')) === undefined, { timeoutMs: 5_000, what: 'the value to be forgotten' })
    })

    test('hits and values of one name do not meet', async () => {
      await memory.put('same', 'value', 60_000)
      expect((await memory.hit('same', 60_000)).hits).toBe(1)
      expect(await memory.get('same')).toBe('value')
    })
  })
}
