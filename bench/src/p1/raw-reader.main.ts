import { createServer, type ServerResponse } from 'node:http'
import { Consumer } from '@platformatic/kafka'

// A gateway without Curfew: the barest groupless fetch loop, and an HTTP server that answers once a marker was read.
// usage: raw-reader.main <broker> <topic> <partitions>; prints its port when it has caught up.
const [broker = '', topic = '', count = '1'] = process.argv.slice(2)
const seen = new Set<string>()
const waiting = new Map<string, ServerResponse>()

function read(marker: string): void {
  seen.add(marker)
  waiting.get(marker)?.end()
  waiting.delete(marker)
}

const server = createServer((request, response) => {
  const marker = (request.url ?? '').slice(1)
  if (marker === 'probe' || seen.has(marker)) response.end()
  else waiting.set(marker, response)
})

const consumer = new Consumer({ clientId: 'raw-reader', groupId: 'unused', bootstrapBrokers: [broker] })
consumer.topics.track(topic)
const metadata = await consumer.metadata({ topics: [topic] })
const { id: topicId, partitions } = metadata.topics.get(topic)!
const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic)!
const offsets = ends.map((end) => end)
const leader = partitions[0]!.leader
server.listen(0, '127.0.0.1', () => console.log(`listening ${(server.address() as { port: number }).port}`))

for (;;) {
  const answer = await consumer.fetch({
    node: leader, maxWaitTime: 1_000, minBytes: 1,
    topics: [{ topicId, partitions: offsets.slice(0, Number(count)).map((fetchOffset, partition) => ({
      partition, fetchOffset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: 0n, partitionMaxBytes: 1_048_576,
    })) }],
  })
  for (const { partitionIndex, records } of answer.responses.flatMap((response) => response.partitions)) {
    for (const batch of records ?? []) {
      for (const record of batch.records) read(record.value?.toString() ?? '')
      offsets[partitionIndex] = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    }
  }
}
