import { topics } from '@curfew/contracts'
import { kafkaBrokers, topicPrefix } from '@curfew/testing'
import { Socket } from 'node:net'
import { busContract } from './bus.contract.js'
import { kafkaBus } from './kafka-bus.adapter.js'
import type { BusLog } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

busContract('the Kafka bus', async () => {
  const prefix = topicPrefix()
  return { open: () => kafkaBus({ brokers: kafkaBrokers(), clientId: 'bus-contract', log: quiet, topicPrefix: prefix }), close: async () => undefined }
})

/*
 * Produce request v9 and later, with request header v2:
 *   size int32 · api key int16 = 0 · version int16 · correlation int32 · client id (int16 length, bytes) · tags 0x00 · transactional id 0x00 (none) · acks int16
 */
function acksOf(frame: Buffer): number | undefined {
  if (frame.length < 20 || frame.readInt16BE(4) !== 0) return undefined
  return frame.readInt16BE(12 + 2 + frame.readInt16BE(12) + 2)
}

test('every produce request asks for the word of every replica in sync', async () => {
  // With acks=1, which this client sends unless each request says otherwise, a leader that was killed took acknowledged records with it.
  const acks: (number | undefined)[] = []
  const write = jest.spyOn(Socket.prototype, 'write')
  const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'bus-acks', log: quiet, topicPrefix: topicPrefix() })
  try {
    await bus.topics.apply([topics.revocations])
    await bus.publisher.publish([0, 1, 2].map((partition) => ({ topic: topics.revocations.name, key: null, value: Buffer.from('x'), headers: {}, partition })))
    for (const [frame] of write.mock.calls as unknown as [unknown][]) if (Buffer.isBuffer(frame)) acks.push(acksOf(frame))
    expect(new Set(acks.filter((value) => value !== undefined))).toEqual(new Set([-1]))
  } finally {
    await bus.close()
  }
}, 30_000)
