import { ManualClock, systemClock } from '@curfew/kernel'
import { LocalMemory } from './local-memory.adapter.js'
import { describeSharedMemory } from './shared-memory.contract.js'

describeSharedMemory('the memory of one process', () => new LocalMemory(systemClock))

test('memory is bounded: what was not written for longest goes first', async () => {
  const memory = new LocalMemory(new ManualClock(0), 2)
  for (const key of ['a', 'b', 'a', 'c']) await memory.put(key, key, 1_000)
  expect([await memory.get('a'), await memory.get('b'), await memory.get('c')]).toEqual(['a', undefined, 'c'])
  for (const key of ['a', 'b', 'c']) await memory.hit(key, 1_000)
  expect((await memory.hit('a', 1_000)).hits).toBe(1)
})

test('a wall clock that steps changes nothing', async () => {
  const clock = new ManualClock(0)
  const memory = new LocalMemory(clock)
  await memory.put('k', 'v', 1_000)
  clock.step(86_400_000)
  expect(await memory.get('k')).toBe('v')
  clock.advance(1_000)
  expect(await memory.get('k')).toBeUndefined()
})
