import { ManualClock } from '@curfew/kernel'
import { SingleFlight, type FlightLimits } from './single-flight.js'

function flights(limits: Partial<FlightLimits> = {}) {
  const flown: number[][] = []
  const landings: (() => void)[] = []
  const clock = new ManualClock(0)
  const subject = new SingleFlight<number, string>((items) => new Promise((resolve) => {
    flown.push([...items])
    landings.push(() => resolve(items.map((item) => (item < 0 ? { status: 'rejected', reason: new Error(`no ${item}`) } : { status: 'fulfilled', value: `ok ${item}` }))))
  }), clock, { items: 5, bytes: 100, perFlight: 3, waitMs: 1_000, ...limits })
  const land = async () => {
    landings.shift()!()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { subject, flown, land, clock }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('an idle queue sends at once, and what comes meanwhile goes together, in order', async () => {
  const { subject, flown, land } = flights()
  const first = subject.submit(1, 1)
  await settled()
  const rest = [2, 3].map((n) => subject.submit(n, 1))
  expect(flown).toEqual([[1]])
  await land()
  expect(await first).toBe('ok 1')
  expect(flown).toEqual([[1], [2, 3]])
  await land()
  expect(await Promise.all(rest)).toEqual(['ok 2', 'ok 3'])
  await subject.idle()
})

test('what is submitted in one go is one flight, up to its size', async () => {
  const { subject, flown } = flights()
  void Promise.all([1, 2, 3, 4].map((n) => subject.submit(n, 1)))
  await settled()
  expect(flown).toEqual([[1, 2, 3]])
})

test('one item\'s failure is not its neighbours\'', async () => {
  const { subject, land } = flights()
  const answers = Promise.allSettled([1, -2, 3].map((n) => subject.submit(n, 1)))
  await settled()
  await land()
  expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('a full queue refuses, by items and by bytes, and takes again once it has room', async () => {
  const { subject, land } = flights()
  const taken = [1, 2, 3, 4, 5].map((n) => subject.submit(n, 10))
  await expect(subject.submit(6, 1)).rejects.toMatchObject({ code: 'service.overloaded' })
  await settled()
  await land()
  await expect(subject.submit(7, 81)).rejects.toMatchObject({ code: 'service.overloaded' })
  await land()
  await Promise.all(taken)
  void subject.submit(8, 100)
})

test('what has waited too long is refused and never sent', async () => {
  const { subject, flown, land, clock } = flights()
  void subject.submit(1, 1)
  await settled()
  const late = subject.submit(2, 1)
  const refused = expect(late).rejects.toMatchObject({ code: 'dependency.unavailable' })
  clock.advance(1_001)
  await land()
  await refused
  expect(flown).toEqual([[1]])
})
