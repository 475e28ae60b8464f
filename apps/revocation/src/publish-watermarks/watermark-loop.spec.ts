import { instant, type Instant } from '@curfew/kernel'
import { WatermarkLoop } from './watermark-loop.adapter.js'

const silent = { warn: () => undefined, info: () => undefined }
const loopOf = (turn: (afterFailure: boolean) => Promise<Instant | undefined>, release: () => Promise<void> = () => Promise.resolve()) => {
  const seen: (Instant | 'failed')[] = []
  const loop = new WatermarkLoop({ turn, release }, 1, { advanced: (at) => seen.push(at), failed: () => seen.push('failed') }, silent)
  return { loop, seen }
}

test('a turn after a failed one knows of it, and the next after a good one does not', async () => {
  const told: boolean[] = []
  const { promise: enough, resolve } = deferred()
  const { loop, seen } = loopOf(async (afterFailure) => {
    told.push(afterFailure)
    if (told.length === 4) resolve()
    if (told.length === 2) throw new Error('the log is away')
    return instant(told.length)
  })
  loop.start()
  await enough
  await loop.close()
  expect(told.slice(0, 4)).toEqual([false, false, true, false])
  expect(seen.slice(0, 3)).toEqual([1, 'failed', 3])
})

test('closing lets the running turn end, leaves the loop to others, and takes no further turn', async () => {
  let turns = 0
  let released = 0
  const { promise: begun, resolve: begin } = deferred()
  const { promise: ended, resolve: end } = deferred()
  const { loop, seen } = loopOf(async () => {
    turns += 1
    begin()
    await ended
    return instant(1)
  }, async () => void (released += 1))
  loop.start()
  await begun
  const closed = loop.close()
  expect(released).toBe(0)
  end()
  await closed
  expect([turns, released, seen]).toEqual([1, 1, [1]])
})

test('a database that is away while it closes does not stop it', async () => {
  const { loop } = loopOf(async () => undefined, () => Promise.reject(new Error('away')))
  loop.start()
  await expect(loop.close()).resolves.toBeUndefined()
})

test('closing what never started is nothing', async () => {
  await expect(loopOf(async () => undefined).loop.close()).resolves.toBeUndefined()
})

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
