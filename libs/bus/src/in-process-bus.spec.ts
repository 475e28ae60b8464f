import { ManualClock, systemClock } from '@curfew/kernel'
import { until } from '@curfew/testing'
import { busContract } from './bus.contract.js'
import { inProcessBus } from './in-process-bus.adapter.js'
import { MemoryLogStore } from './memory-log.contract.js'
import type { BusLog, BusRecord, MessageBus } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const soon = (what: string) => ({ timeoutMs: 5_000, what })

busContract('the in-process bus', async () => {
  const store = new MemoryLogStore(systemClock)
  return { open: () => inProcessBus({ store, clock: systemClock, log: quiet }), close: async () => undefined }
})

describe('the in-process bus', () => {
  const spec = { name: 't.v1', partitions: 2, retentionMs: 1_000, cleanup: 'delete', maxBytes: 10_000, takesBytes: 10_000, key: '', writtenBy: '', readBy: '' } as const
  const record = (text: string, partition = 0) => ({ topic: spec.name, key: 'k', value: Buffer.from(text), headers: {}, partition })
  const buses: MessageBus[] = []
  async function opened() {
    const clock = new ManualClock(Date.now())
    const store = new MemoryLogStore(clock)
    const bus = inProcessBus({ store, clock: systemClock, log: quiet })
    buses.push(bus)
    await bus.topics.apply([spec])
    return { bus, store, clock }
  }
  const collect = async (bus: MessageBus) => {
    const seen: string[] = []
    const consumer = await bus.consume({ group: 'g', topics: [spec.name], onRecord: async ({ value }: BusRecord) => void seen.push(String(value)) })
    await until(() => consumer.unhealthy() === undefined, soon('the consumer'))
    return { seen, consumer }
  }
  afterEach(async () => void (await Promise.all(buses.splice(0).map((bus) => bus.close()))))

  test('an append wakes its readers at once: no poll is waited for', async () => {
    const { bus } = await opened()
    const { seen } = await collect(bus)
    const began = performance.now()
    for (let n = 0; n < 20; n += 1) {
      await bus.publisher.publish([record(String(n))])
      await until(() => seen.length === n + 1, soon('the record'))
    }
    // Twenty polls would be twenty seconds; the loop above itself looks every 10 ms.
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  test('a log that cannot be reached is said, and read again when it returns', async () => {
    const { bus, store } = await opened()
    const { seen, consumer } = await collect(bus)
    store.fail = new Error('connection refused')
    await until(() => consumer.unhealthy()?.includes('connection refused'), soon('it to say so'))
    await expect(bus.publisher.publish([record('lost')])).rejects.toThrow('connection refused')
    await expect(bus.ping()).rejects.toMatchObject({ code: 'dependency.unavailable' })
    store.fail = undefined
    await bus.publisher.publish([record('kept')])
    await until(() => seen.length === 1 && consumer.unhealthy() === undefined, soon('the record'))
    expect(seen).toEqual(['kept'])
  })

  test('partitions that are added later are read too', async () => {
    const { bus } = await opened()
    const { seen } = await collect(bus)
    await bus.topics.apply([{ ...spec, partitions: 3 }])
    await bus.publisher.publish([record('new', 2)])
    await until(() => seen.includes('new'), soon('the record'))
  })

  test('a tail is lost when what comes next was deleted, and when the topic was made anew', async () => {
    const { bus, store, clock } = await opened()
    await bus.publisher.publish([record('1'), record('2')])
    clock.advance(5_000)
    await store.expire(spec.name, 1_000)
    const lost: string[] = []
    await bus.feed.tail({ topic: spec.name, from: [0n, 0n], onBatch: () => undefined, onLost: (reason) => void lost.push(reason) })
    await until(() => lost.length === 1, soon('the first tail'))
    await bus.feed.tail({ topic: spec.name, from: [2n, 0n], onBatch: () => undefined, onLost: (reason) => void lost.push(reason) })
    store.remove(spec.name)
    await bus.topics.apply([spec])
    await until(() => lost.length === 2, soon('the second tail'))
    expect(lost).toEqual([expect.stringContaining('outside 2 to 2'), 'the topic was created anew'])
  })

  test('a group whose place was deleted goes on at the first that is left', async () => {
    const { bus, store, clock } = await opened()
    await store.commit('g', spec.name, 0, 1n)
    await bus.publisher.publish([record('1'), record('2'), record('3')])
    clock.advance(5_000)
    await store.expire(spec.name, 1_000)
    await bus.publisher.publish([record('4')])
    const { seen } = await collect(bus)
    await until(() => seen.length === 1, soon('the fourth'))
    expect(seen).toEqual(['4'])
  })
})
