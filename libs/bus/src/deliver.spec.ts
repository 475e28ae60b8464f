import { events, Fault, topics, topicCatalogue, type ProblemCode } from '@curfew/contracts'
import { ManualClock, systemClock } from '@curfew/kernel'
import { until } from '@curfew/testing'
import { encodeEvent, eventKey, type ReceivedEvent } from './cloud-event.js'
import { deliver } from './deliver.consumer.js'
import { maxAttempts, pauseAfter, whatNext } from './deliver.js'
import { inProcessBus } from './in-process-bus.adapter.js'
import { MemoryLogStore } from './memory-log.contract.js'
import { parseParkedId } from './park.js'
import { listParked, replayParked, showParked } from './parked.store.js'
import type { BusLog, GroupConsumer, MessageBus, OutgoingRecord } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const soon = (what: string) => ({ timeoutMs: 15_000, what })

describe('what becomes of a record that could not be handled', () => {
  test('what cannot succeed is parked at once', () => {
    expect(whatNext(new Fault('event.invalid', { detail: '/sub: too long' }), 1)).toEqual({ kind: 'park', reason: 'event.invalid', detail: '/sub: too long' })
  })

  test('what may succeed is tried eight times, ever more patiently, then parked', () => {
    const busy = new Fault('service.overloaded')
    const pauses = Array.from({ length: maxAttempts - 1 }, (_, n) => whatNext(busy, n + 1))
    expect(pauses.map((next) => next.kind === 'retry' && next.afterMs)).toEqual([50, 100, 200, 400, 800, 1_600, 3_200])
    expect(whatNext(busy, maxAttempts)).toMatchObject({ kind: 'park', reason: 'service.overloaded' })
  })

  test('what waits for a dependency is tried for as long as it takes', () => {
    expect(whatNext(new Fault('dependency.unavailable'), 10_000)).toEqual({ kind: 'retry', afterMs: 5_000 })
    expect(pauseAfter(1_000_000)).toBe(5_000)
  })

  test('an error that is no fault is tried eight times, then parked as internal', () => {
    expect(whatNext(new TypeError('x is undefined'), 7)).toEqual({ kind: 'retry', afterMs: 3_200 })
    expect(whatNext(new TypeError('x is undefined'), 8)).toEqual({ kind: 'park', reason: 'internal', detail: 'TypeError: x is undefined' })
    expect(whatNext('thrown text', 8)).toEqual({ kind: 'park', reason: 'internal', detail: 'thrown text' })
  })
})

describe('delivery', () => {
  const clock = new ManualClock(1_795_500_000_000)
  const consumers: GroupConsumer[] = []
  let bus: MessageBus
  let store: MemoryLogStore
  const topic = topics.lifecycle.name
  const parkedTopic = 'curfew.lifecycle.parked.v1'

  beforeEach(async () => {
    store = new MemoryLogStore(systemClock)
    bus = inProcessBus({ store, clock: systemClock, log: quiet })
    await bus.topics.apply(topicCatalogue)
  })
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.close()))
    await bus.close()
  })

  const signal = (id: string, key = 'alice'): OutgoingRecord =>
    encodeEvent(events.signal, eventKey('default', key), { id, source: 'urn:hr', tenant: 'default' }, { subject: { sub: key }, occurredAt: '2026-11-23T20:15:04Z' }, 'curfew.lifecycle.sign_out')
  const run = async (handle: (event: ReceivedEvent) => Promise<void>, on: MessageBus = bus): Promise<GroupConsumer> => {
    const consumer = await deliver({ bus: on, group: 'curfew.lifecycle', topics: [topic], handle, clock, log: quiet })
    consumers.push(consumer)
    return consumer
  }
  /** Fails an event by its id as often as the plan says. */
  const failing = (plan: Record<string, { times: number; code: ProblemCode }>) => {
    const handled: string[] = []
    const attempts: Record<string, number> = {}
    return {
      handled, attempts,
      handle: async ({ id }: ReceivedEvent) => {
        attempts[id] = (attempts[id] ?? 0) + 1
        if (attempts[id] <= (plan[id]?.times ?? 0)) throw new Fault(plan[id]!.code, { detail: 'as planned' })
        handled.push(id)
      },
    }
  }
  const parked = () => listParked(bus, { topic: parkedTopic })

  test('garbage is parked whole with its reason, and the stream goes on', async () => {
    const { handled, handle } = failing({})
    const five = Buffer.alloc(5_000_000, 'x')
    await run(handle)
    const { key, headers } = signal('e0')
    const garbage: OutgoingRecord[] = [
      { topic, key, headers, value: Buffer.from('not json') }, { topic, key, headers, value: null }, { topic, key, headers: {}, value: Buffer.from('{}') },
      { topic, key, headers, value: Buffer.from('{"subject":1}') }, { topic, key, headers: { ...headers, ce_dataschema: 'https://curfew.dev/schemas/x/9' }, value: Buffer.from('{}') },
      { topic, key, headers: { ...headers, ce_type: 'curfew.lifecycle.unheard_of' }, value: Buffer.from('{}') }, { topic, key: null, headers, value: five },
    ]
    await bus.publisher.publish([...garbage, signal('e1')])
    await until(async () => handled.includes('e1') && (await parked()).length === garbage.length, soon('the garbage to be parked'))
    const list = await parked()
    expect(list.map(({ reason }) => reason).sort()).toEqual(
      ['event.invalid', 'event.type_unknown', 'event.unreadable', 'event.unreadable', 'event.unreadable', 'event.version_unknown', 'record.too_large'])
    const large = list.find(({ reason }) => reason === 'record.too_large')!
    expect(large).toMatchObject({ key: null, bytes: 5_000_000, attempts: 1, by: 'curfew.lifecycle', at: '2026-11-24T06:00:00.000Z', headers, source: { topic } })
    expect((await showParked(bus, large))!.value!.equals(five)).toBe(true)
  })

  test('a passing failure is tried again, and holds up no other key', async () => {
    const { handled, attempts, handle } = failing({ busy: { times: 3, code: 'service.overloaded' } })
    await run(handle)
    await bus.publisher.publish([signal('busy', 'bob'), signal('later', 'bob'), signal('other', 'carol')])
    await until(() => handled.length === 3, soon('all three'))
    expect(handled).toEqual(['other', 'busy', 'later'])
    expect(attempts.busy).toBe(4)
    expect(await parked()).toEqual([])
  })

  test('what never succeeds is parked after eight attempts', async () => {
    const { handled, handle } = failing({ never: { times: 99, code: 'idempotency.in_progress' } })
    await run(handle)
    await bus.publisher.publish([signal('never'), signal('next')])
    await until(() => handled.includes('next'), soon('the next of its key'))
    expect(await parked()).toEqual([expect.objectContaining({ reason: 'idempotency.in_progress', attempts: maxAttempts, detail: 'as planned' })])
  }, 20_000)

  test('who waits for a dependency stops waiting when it is closed, and the record is delivered again', async () => {
    let attempts = 0
    const consumer = await run(async () => {
      attempts += 1
      throw new Fault('dependency.unavailable')
    })
    await bus.publisher.publish([signal('waits')])
    await until(() => attempts > 2, soon('attempts'))
    await consumer.close()
    const { handled, handle } = failing({})
    await run(handle)
    await until(() => handled.length === 1, soon('it to be delivered again'))
  })

  test('a record whose parking fails stays, and is parked once that works', async () => {
    let refusals = 3
    const refusing: MessageBus = Object.create(bus, {
      publisher: { value: { publish: (records: readonly OutgoingRecord[]) => (refusals-- > 0 ? Promise.reject(new Fault('dependency.unavailable')) : bus.publisher.publish(records)), close: async () => undefined } },
    })
    const { handled, handle } = failing({ bad: { times: 99, code: 'signal.incomplete' } })
    await run(handle, refusing)
    await bus.publisher.publish([signal('bad'), signal('good')])
    await until(() => handled.length === 1, soon('the next of its key'))
    expect(refusals).toBeLessThan(0)
    expect(await parked()).toEqual([expect.objectContaining({ reason: 'signal.incomplete', attempts: 1 })])
  })

  test('a value that even the parked topic refuses leaves its place', async () => {
    const refusing: MessageBus = Object.create(bus, {
      publisher: { value: { publish: async (records: readonly OutgoingRecord[]) => {
        if (records[0]!.value !== null) throw new Fault('record.too_large')
        return bus.publisher.publish(records)
      }, close: async () => undefined } },
    })
    await run(failing({ bad: { times: 99, code: 'signal.incomplete' } }).handle, refusing)
    await bus.publisher.publish([signal('bad')])
    const left = await until(async () => (await parked())[0], soon('it to be parked'))
    expect(left.bytes).toBe(signal('bad').value!.length)
    await expect(replayParked(bus, left, clock)).rejects.toMatchObject({ code: 'record.too_large' })
  })

  test('a replay is the original again, is marked, and goes on counting', async () => {
    const { handled, handle } = failing({ bad: { times: 2, code: 'signal.incomplete' } })
    await run(handle)
    await bus.publisher.publish([signal('bad')])
    await until(async () => (await parked()).length === 1, soon('the first parking'))
    const id = parseParkedId((await parked())[0]!.id)!
    expect((await replayParked(bus, id, clock)).topic).toBe(topic)
    await until(async () => (await parked()).length === 2, soon('the second parking'))
    const [first, second] = await parked()
    expect(first).toMatchObject({ attempts: 1, replayedAt: '2026-11-24T06:00:00.000Z' })
    expect(second).toMatchObject({ attempts: 2, headers: signal('bad').headers })
    expect(second!.replayedAt).toBeUndefined()
    await replayParked(bus, second!, clock)
    await until(() => handled.length === 1, soon('it to be handled'))
  })

  test('a place where nothing is parked is said', async () => {
    expect(await showParked(bus, { topic: parkedTopic, partition: 0, offset: 9n })).toBeUndefined()
    expect(await showParked(bus, { topic: parkedTopic, partition: 5, offset: 0n })).toBeUndefined()
    await expect(replayParked(bus, { topic: parkedTopic, partition: 0, offset: 9n }, clock)).rejects.toMatchObject({ code: 'event.unreadable' })
    expect(['x', 'a/b/c', 't/0/-1', 't/0/1/2', 't//1'].map(parseParkedId)).toEqual([undefined, undefined, undefined, undefined, undefined])
    expect(await listParked(bus)).toEqual([])
  })
})
