import type { TopicSpec } from '@curfew/contracts'
import { until } from '@curfew/testing'
import type { BusRecord, GroupConsumer, MessageBus, OutgoingRecord } from './port.js'

/** What an adapter's spec gives the suite: buses on one log that lasts for the whole suite. */
export interface BusUnderTest {
  /** Another bus on the same log, as another process would have it after a restart. */
  open(): MessageBus
  close(): Promise<void>
}

let named = 0
/** A topic of its own for each test: nothing one test writes is seen by another. */
const topicSpec = (partitions: number, changes: Partial<TopicSpec> = {}): TopicSpec => ({
  name: `curfew.contract-${(named += 1)}.v1`, partitions, retentionMs: 3_600_000, cleanup: 'delete', maxBytes: 1_048_576, takesBytes: 1_048_576, key: '', writtenBy: '', readBy: '', ...changes,
})
const record = (topic: string, key: string | null, text: string | null, more: Partial<OutgoingRecord> = {}): OutgoingRecord =>
  ({ topic, key, value: text === null ? null : Buffer.from(text), headers: {}, ...more })
const textOf = ({ value }: BusRecord): string => value?.toString() ?? 'null'
const soon = (what: string) => ({ timeoutMs: 20_000, what })

/** Keeping the port, for an adapter: the same promises hold whatever carries the records. */
export function busContract(adapter: string, provide: () => Promise<BusUnderTest>): void {
  describe(`${adapter} keeps the bus port`, () => {
    let under: BusUnderTest
    let bus: MessageBus
    const consumers: GroupConsumer[] = []

    beforeAll(async () => {
      under = await provide()
      bus = under.open()
    }, 60_000)
    afterEach(async () => void (await Promise.all(consumers.splice(0).map((consumer) => consumer.close()))), 60_000)
    afterAll(async () => {
      await bus?.close()
      await under?.close()
    }, 60_000)

    const topic = async (partitions: number, changes: Partial<TopicSpec> = {}): Promise<string> => {
      const spec = topicSpec(partitions, changes)
      await bus.topics.apply([spec])
      return spec.name
    }
    const consume = async (on: MessageBus, group: string, name: string, onRecord: (record: BusRecord, signal: AbortSignal) => Promise<void>, from?: 'latest'): Promise<GroupConsumer> => {
      const consumer = await on.consume({ group, topics: [name], onRecord, from })
      consumers.push(consumer)
      return consumer
    }
    const joined = (consumer: GroupConsumer): Promise<unknown> => until(() => consumer.unhealthy() === undefined, soon('the consumer to join'))
    /** A consumer that notes what it sees. */
    const collect = async (on: MessageBus, group: string, name: string, from?: 'latest') => {
      const seen: BusRecord[] = []
      const consumer = await consume(on, group, name, async (taken) => void seen.push(taken), from)
      return { seen, texts: () => seen.map(textOf), consumer }
    }

    describe('publishing', () => {
      test('answers where each record lies, in the order they were given', async () => {
        const name = await topic(2)
        const { topicId } = await bus.feed.describe(name)
        const positions = await bus.publisher.publish([0, 1, 0, 0].map((partition) => record(name, 'k', 'x', { partition })))
        expect(positions.map(({ partition, offset }) => [partition, offset])).toEqual([[0, 0n], [1, 0n], [0, 1n], [0, 2n]])
        expect(positions[0]).toEqual({ topic: name, topicId, partition: 0, leaderEpoch: expect.any(Number), offset: 0n })
        expect(topicId).not.toBe('')
      })

      test('keeps keys, values and headers as they are, absent ones too', async () => {
        const name = await topic(1)
        const sent = [record(name, 'ключ', 'é', { headers: { ce_id: 'ü', empty: '' } }), record(name, null, null), record(name, '', '')]
        await bus.publisher.publish(sent)
        const { seen } = await collect(bus, name, name)
        await until(() => seen.length === 3, soon('three records'))
        expect(seen.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(sent.map(({ key, value, headers }) => ({ key, value, headers })))
        expect(Math.abs(seen[0]!.timestamp - Date.now())).toBeLessThan(60_000)
      })

      test('a key has one partition, the one that every Kafka client would choose', async () => {
        const name = await topic(6)
        const positions = await bus.publisher.publish([record(name, 'foobar', '1'), record(name, 'foobar', '2'), record(name, '21', '3')])
        // murmur2 of Kafka's own test vectors: foobar -790332482, 21 -973932308.
        expect(positions.map(({ partition }) => partition)).toEqual([(-790332482 & 0x7fffffff) % 6, (-790332482 & 0x7fffffff) % 6, (-973932308 & 0x7fffffff) % 6])
      })

      test('concurrent publishes keep their order', async () => {
        const name = await topic(3)
        const numbers = Array.from({ length: 300 }, (_, n) => n)
        const positions = await Promise.all(numbers.map((n) => bus.publisher.publish([record(name, `k${n % 5}`, String(n))])))
        for (const key of [0, 1, 2, 3, 4]) {
          const offsets = numbers.filter((n) => n % 5 === key).map((n) => positions[n]![0]!.offset)
          expect(offsets).toEqual([...offsets].sort((a, b) => Number(a - b)))
        }
      })

      test('5 MB pass where the topic takes them', async () => {
        const name = await topic(1, { maxBytes: 8_388_608 })
        const value = Buffer.alloc(5_000_000, 'x')
        await bus.publisher.publish([record(name, 'k', null, { value }), record(name, 'k', 'after')])
        const { seen } = await collect(bus, name, name)
        await until(() => seen.length === 2, soon('both records'))
        expect(seen[0]!.value!.equals(value)).toBe(true)
      })

      test('what the topic does not take is refused by name, and its neighbours pass', async () => {
        const [small, other] = [await topic(1), await topic(1)]
        const answers = await Promise.allSettled([
          bus.publisher.publish([record(other, 'k', 'before')]), bus.publisher.publish([record(small, 'k', null, { value: Buffer.alloc(2_000_000) })]),
          bus.publisher.publish([record(small, 'k', 'fits')]), bus.publisher.publish([record(other, 'k', 'after')]),
        ])
        expect(answers.map((answer) => (answer.status === 'fulfilled' ? 'ok' : answer.reason.code))).toEqual(['ok', 'record.too_large', 'ok', 'ok'])
      })

      test('a topic that is not there is named, and topics that are there pass', async () => {
        const name = await topic(1)
        await expect(bus.publisher.publish([record('curfew.nowhere.v1', 'k', 'x')])).rejects.toMatchObject({ code: 'topic.unknown' })
        await bus.publisher.publish([record(name, 'k', 'x')])
      })

      test('nothing to publish is published', async () => {
        expect(await bus.publisher.publish([])).toEqual([])
      })
    })

    describe('a group', () => {
      test('receives every record, in order per key', async () => {
        const name = await topic(3)
        const texts = Array.from({ length: 200 }, (_, n) => `${n % 7}:${n}`)
        const { seen } = await collect(bus, name, name)
        for (let at = 0; at < texts.length; at += 20) await bus.publisher.publish(texts.slice(at, at + 20).map((text) => record(name, text.split(':')[0]!, text)))
        await until(() => seen.length === texts.length, soon('every record'))
        for (const key of [0, 1, 2, 3, 4, 5, 6].map(String)) {
          expect(seen.filter((taken) => taken.key === key).map(textOf)).toEqual(texts.filter((text) => text.startsWith(`${key}:`)))
        }
      })

      test('a key that is stuck holds up no other', async () => {
        const name = await topic(1)
        const seen: string[] = []
        let release = (): void => undefined
        const stuck = new Promise<void>((resolve) => { release = resolve })
        await consume(bus, name, name, async (taken) => {
          if (taken.key === 'stuck') await stuck
          seen.push(textOf(taken))
        })
        await bus.publisher.publish([record(name, 'stuck', 's1'), record(name, 'stuck', 's2'), record(name, 'free', 'f1'), record(name, 'free', 'f2')])
        await until(() => seen.length === 2, soon('the free key'))
        expect(seen).toEqual(['f1', 'f2'])
        release()
        await until(() => seen.length === 4, soon('the stuck key'))
        expect(seen.slice(2)).toEqual(['s1', 's2'])
      })

      test('goes on where it was after a restart, and nothing that ended is delivered again', async () => {
        const name = await topic(2)
        const before = await collect(bus, name, name)
        await bus.publisher.publish(['1', '2', '3', '4'].map((text) => record(name, text, text)))
        await until(() => before.seen.length === 4, soon('four records'))
        await before.consumer.close()
        await bus.publisher.publish([record(name, '5', '5')])
        const after = await collect(bus, name, name)
        await until(() => after.seen.length > 0, soon('the fifth record'))
        expect(after.texts()).toEqual(['5'])
      })

      test('what did not end is delivered again, with what came after it', async () => {
        const name = await topic(1)
        const begun: string[] = []
        const first = await consume(bus, name, name, (taken, signal) => new Promise((resolve, reject) => {
          begun.push(textOf(taken))
          if (taken.key === 'done') resolve()
          signal.addEventListener('abort', () => reject(new Error('told to stop')))
        }))
        await bus.publisher.publish([record(name, 'done', 'd'), record(name, 'k', 'k1'), record(name, 'k', 'k2'), record(name, 'l', 'l1')])
        await until(() => begun.length === 3, soon('three handlers'))
        await first.close()
        expect(first.unhealthy() ?? '').not.toMatch(/stopped/)
        const again = await collect(bus, name, name)
        await until(() => again.seen.length === 3, soon('the rest'))
        expect(again.texts().sort()).toEqual(['k1', 'k2', 'l1'])
      })

      test('closing waits for running handlers and begins no more', async () => {
        const name = await topic(1)
        const ended: string[] = []
        let release = (): void => undefined
        const gate = new Promise<void>((resolve) => { release = resolve })
        let begun = 0
        const consumer = await consume(bus, name, name, async (taken) => {
          begun += 1
          await gate
          ended.push(textOf(taken))
        })
        await bus.publisher.publish([record(name, 'k', '1'), record(name, 'k', '2')])
        await until(() => begun === 1, soon('the handler'))
        const closed = consumer.close()
        release()
        await closed
        expect(ended).toEqual(['1'])
        const rest = await collect(bus, name, name)
        await until(() => rest.seen.length > 0, soon('the second record'))
        expect(rest.texts()).toEqual(['2'])
      })

      test('its members share the partitions, and who leaves hands over', async () => {
        const name = await topic(4)
        const [one, two] = [await collect(bus, name, name), await collect(bus, name, name)]
        await Promise.all([joined(one.consumer), joined(two.consumer)])
        let sent = 0
        // Until both have their share: who joins first holds them all for a moment.
        await until(async () => {
          await bus.publisher.publish([0, 1, 2, 3].map((partition) => record(name, 'k', String(sent++), { partition })))
          return one.seen.length > 0 && two.seen.length > 0
        }, soon('both members to receive'))
        const all = (): Set<string> => new Set([...one.texts(), ...two.texts()])
        await until(() => all().size === sent, soon('every record'))
        await one.consumer.close()
        const kept = one.seen.length
        await bus.publisher.publish([0, 1, 2, 3].map((partition) => record(name, 'k', String(sent++), { partition })))
        await until(() => all().size === sent, soon('the rest at the other member'))
        expect(one.seen.length).toBe(kept)
      })

      test('is independent of other groups', async () => {
        const name = await topic(1)
        await bus.publisher.publish([record(name, 'k', '1')])
        const [one, two] = [await collect(bus, `${name}-a`, name), await collect(bus, `${name}-b`, name)]
        await until(() => one.seen.length === 1 && two.seen.length === 1, soon('both groups'))
      })

      test('a handler that rejects stops its partition, says so, and no other', async () => {
        const name = await topic(2)
        const seen: string[] = []
        const consumer = await consume(bus, name, name, async (taken) => {
          if (textOf(taken) === 'bad') throw new TypeError('undefined is not a function')
          seen.push(textOf(taken))
        })
        await bus.publisher.publish([record(name, 'k', 'bad', { partition: 0 }), record(name, 'k', 'held', { partition: 0 }), record(name, 'k', 'good', { partition: 1 })])
        await until(() => seen.length === 1 && consumer.unhealthy() !== undefined, soon('the other partition'))
        expect(consumer.unhealthy()).toMatch(/stopped at offset 0: TypeError/)
        await bus.publisher.publish([record(name, 'k', 'more', { partition: 1 })])
        await until(() => seen.length === 2, soon('more'))
        expect(seen).toEqual(['good', 'more'])
        await consumer.close()
        const again = await collect(bus, name, name)
        await until(() => again.seen.length === 2, soon('the stopped partition'))
        expect(again.texts()).toEqual(['bad', 'held'])
      })

      test('beginning at the latest skips what was there, and what came while it was away is not skipped', async () => {
        const name = await topic(1)
        await bus.publisher.publish([record(name, 'k', 'old')])
        const first = await collect(bus, name, name, 'latest')
        await joined(first.consumer)
        await first.consumer.close()
        await bus.publisher.publish([record(name, 'k', 'new')])
        const second = await collect(bus, name, name, 'latest')
        await until(() => second.seen.length > 0, soon('the new record'))
        expect([...first.texts(), ...second.texts()]).toEqual(['new'])
      })

      test('waits for a topic that is not there yet', async () => {
        const spec = topicSpec(1)
        const { seen, consumer } = await collect(bus, spec.name, spec.name)
        await until(() => consumer.unhealthy()?.includes(spec.name), soon('it to say what it waits for'))
        await bus.topics.apply([spec])
        await bus.publisher.publish([record(spec.name, 'k', 'x')])
        await until(() => seen.length === 1, soon('the record'))
        await joined(consumer)
      })

      test('loses nothing over a restart of the whole process', async () => {
        const name = await topic(2)
        const early = under.open()
        const first = await collect(early, name, name)
        await early.publisher.publish(['1', '2'].map((text) => record(name, text, text)))
        await until(() => first.seen.length === 2, soon('two records'))
        await early.close()
        const late = under.open()
        await late.publisher.publish([record(name, '3', '3')])
        const second = await collect(late, name, name)
        await until(() => second.seen.length > 0, soon('the third'))
        expect(second.texts()).toEqual(['3'])
        await late.close()
      })
    })

    describe('a tail', () => {
      /** What each partition's batches said, and where the next would begin. */
      const follow = async (name: string, from: readonly bigint[]) => {
        const texts: string[][] = from.map(() => [])
        const next = [...from]
        const lost: string[] = []
        const tail = await bus.feed.tail({
          topic: name, from,
          onBatch: (partition, records, after) => {
            expect(records.every((taken) => taken.offset >= next[partition]! && taken.offset < after)).toBe(true)
            texts[partition]!.push(...records.map(textOf))
            next[partition] = after
          },
          onLost: (reason) => void lost.push(reason),
        })
        return { texts, next, lost, tail }
      }

      test('an empty topic begins and ends at zero', async () => {
        const name = await topic(3)
        expect(await bus.feed.startOffsets(name)).toEqual([0n, 0n, 0n])
        expect(await bus.feed.endOffsets(name)).toEqual([0n, 0n, 0n])
        expect((await bus.feed.describe(name)).partitions).toBe(3)
        const { tail, texts } = await follow(name, [0n, 0n, 0n])
        const before = tail.lastAnswerAt()
        await until(() => tail.lastAnswerAt() > before, soon('an empty answer'))
        expect(texts).toEqual([[], [], []])
        await tail.close()
      })

      test('delivers every partition from the offset asked for, in order, and says what comes next', async () => {
        const name = await topic(2)
        await bus.publisher.publish(['a0', 'a1', 'a2'].map((text) => record(name, 'k', text, { partition: 0 })))
        const { tail, texts, next } = await follow(name, [1n, 0n])
        await bus.publisher.publish([record(name, 'k', 'b0', { partition: 1 }), record(name, null, null, { partition: 0 })])
        await until(() => next[0] === 4n && next[1] === 1n, soon('both partitions'))
        expect(texts).toEqual([['a1', 'a2', 'null'], ['b0']])
        expect(await bus.feed.endOffsets(name)).toEqual([4n, 1n])
        await tail.close()
      })

      test('delivers nothing after it is closed', async () => {
        const name = await topic(1)
        const { tail, texts } = await follow(name, [0n])
        await tail.close()
        await bus.publisher.publish([record(name, 'k', 'late')])
        const control = await follow(name, [0n])
        await until(() => control.next[0] === 1n, soon('another tail'))
        expect(texts).toEqual([[]])
        await control.tail.close()
      })

      test('beyond the end it is lost, not reset', async () => {
        const name = await topic(1)
        await bus.publisher.publish([record(name, 'k', 'x')])
        const { lost, texts } = await follow(name, [7n])
        await until(() => lost.length > 0, soon('it to be lost'))
        expect([lost.length, texts]).toEqual([1, [[]]])
      })

      test('a batch that cannot be applied ends it, once', async () => {
        const name = await topic(1)
        const lost: string[] = []
        await bus.feed.tail({ topic: name, from: [0n], onBatch: () => { throw new Error('no room') }, onLost: (reason) => void lost.push(reason) })
        await bus.publisher.publish([record(name, 'k', '1'), record(name, 'k', '2')])
        await until(() => lost.length > 0, soon('it to be lost'))
        await bus.publisher.publish([record(name, 'k', '3')])
        expect(lost).toHaveLength(1)
      })

      test('a topic that is not there is named', async () => {
        await expect(bus.feed.describe('curfew.nowhere.v1')).rejects.toMatchObject({ code: 'topic.unknown' })
        await expect(bus.feed.endOffsets('curfew.nowhere.v1')).rejects.toMatchObject({ code: 'topic.unknown' })
      })
    })

    describe('the topics', () => {
      test('are created once, raised, never lowered, and what differs is told', async () => {
        const spec = topicSpec(2)
        expect(await bus.topics.check([spec])).toEqual([{ topic: spec.name, what: 'does not exist' }])
        expect(await bus.topics.apply([spec])).toEqual([`created ${spec.name} with 2 partitions`])
        await until(async () => (await bus.topics.check([spec])).length === 0, soon('the topic to be as declared'))
        expect(await bus.topics.apply([spec])).toEqual([])
        expect(await bus.topics.apply([{ ...spec, partitions: 3 }])).toEqual([`raised ${spec.name} from 2 to 3 partitions`])
        await until(async () => (await bus.feed.describe(spec.name)).partitions === 3, soon('the third partition'))
        expect(await bus.topics.apply([spec])).toEqual([])
        expect(await bus.topics.check([spec])).toEqual([{ topic: spec.name, what: 'has 3 partitions instead of 2' }])
      })
    })

    test('a ping is answered', async () => {
      await bus.ping()
    })
  })
}
