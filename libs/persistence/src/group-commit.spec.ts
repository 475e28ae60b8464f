import { deferred } from './deferred.js'
import { GroupCommit } from './group-commit.js'

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('an idle log writes at once; what comes meanwhile shares the next write, and each call has its own answer', async () => {
  const writes: number[][] = []
  const gates = [deferred<void>(), deferred<void>()]
  const group = new GroupCommit<number, number[]>(async (items) => {
    writes.push([...items])
    await gates[writes.length - 1]?.promise
    return (from, to) => items.slice(from, to).map((item) => item * 10)
  }, 100, () => false)
  const answers = [group.submit([1]), group.submit([2, 3]), group.submit([4])]
  expect(writes).toEqual([[1]])
  gates[0]?.resolve()
  await tick()
  expect(writes).toEqual([[1], [2, 3, 4]])
  gates[1]?.resolve()
  expect(await Promise.all(answers)).toEqual([[10], [20, 30], [40]])
  expect(await group.submit([5])).toEqual([50])
})

test('a call made by whoever just got its answer is written too', async () => {
  const group = new GroupCommit<number, void>(async () => () => undefined, 100, () => false)
  for (let i = 0; i < 100; i++) await group.submit([i])
  await group.idle()
})

test('a write has so many items at most, but for a call that has more by itself', async () => {
  const sizes: number[] = []
  const group = new GroupCommit<number, void>(async (items) => {
    sizes.push(items.length)
    await tick()
    return () => undefined
  }, 3, () => false)
  await Promise.all([[1], [1, 2], [1], [1, 2, 3, 4, 5], [1]].map((items) => group.submit(items)))
  expect(sizes).toEqual([1, 3, 5, 1])
})

test('a call that cannot be written fails alone; when the log is lost, all fail without another try', async () => {
  let writes = 0
  const group = new GroupCommit<string, void>(async (items) => {
    writes++
    await tick()
    if (items.includes('bad')) throw new Error('bad')
    if (items.includes('lost')) throw new Error('lost')
    return () => undefined
  }, 100, (error) => (error as Error).message === 'lost')
  const outcomes = await Promise.allSettled([['a'], ['b'], ['bad'], ['c']].map((items) => group.submit(items)))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  await group.idle()
  writes = 0
  const lost = await Promise.allSettled([['a'], ['lost'], ['b']].map((items) => group.submit(items)))
  expect(lost.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(writes).toBe(2)
})
