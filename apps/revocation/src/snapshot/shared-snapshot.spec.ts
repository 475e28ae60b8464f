import { ManualClock } from '@curfew/kernel'
import { SharedSnapshot } from './shared-snapshot.js'

const counted = () => {
  let built = 0
  const clock = new ManualClock(0)
  return { clock, shared: new SharedSnapshot(() => Promise.resolve(++built), clock, 1_000), built: () => built }
}

test('all who ask while it is built, and for a second after, get the same one', async () => {
  const { clock, shared, built } = counted()
  expect(await Promise.all([shared.get(), shared.get(), shared.get()])).toEqual([1, 1, 1])
  clock.advance(999)
  expect([await shared.get(), built()]).toEqual([1, 1])
  clock.advance(1)
  expect(await Promise.all([shared.get(), shared.get()])).toEqual([2, 2])
})

test('a wall clock that jumps makes nothing fresh or stale', async () => {
  const { clock, shared } = counted()
  await shared.get()
  clock.step(3_600_000)
  expect(await shared.get()).toBe(1)
})

test('a failed build fails for those who waited for it, and is tried again by the next', async () => {
  let attempts = 0
  const shared = new SharedSnapshot(() => (++attempts === 1 ? Promise.reject(new Error('away')) : Promise.resolve('built')), new ManualClock(0))
  expect((await Promise.allSettled([shared.get(), shared.get()])).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([await shared.get(), attempts]).toEqual(['built', 2])
})
