import { Admin, findErrorBy, ListOffsetTimestamps } from '@platformatic/kafka'
import { clientOptions, persist, type KafkaAddress } from './kafka-client.adapter.js'

const patienceMs = 5_000

/**
 * Lets a group that has no offsets begin at the end, by committing the end for it: otherwise it would take whatever the end is until its first commit,
 * and skip what came in between. Names are the broker's.
 */
export async function pinToEnd(address: KafkaAddress, groupId: string, topics: readonly string[]): Promise<void> {
  const admin = new Admin(clientOptions(address))
  try {
    await persist(`let ${groupId} begin at the end`, patienceMs, () => pin(admin, groupId, topics))
  } finally {
    await admin.close().catch(() => undefined)
  }
}

async function pin(admin: Admin, groupId: string, names: readonly string[]): Promise<void> {
  const { topics } = await admin.metadata({ topics: [...names], forceUpdate: true })
  const all = [...topics].map(([name, { partitionsCount }]) => ({ name, partitionIndexes: Array.from({ length: partitionsCount }, (_, partition) => partition) }))
  const [group] = await admin.listConsumerGroupOffsets({ groups: [{ groupId, topics: all }] })
  const unpinned = (group?.topics ?? []).map(({ name, partitions }) =>
    ({ name, partitions: partitions.filter(({ committedOffset }) => committedOffset < 0n).map(({ partitionIndex }) => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST })) }))
    .filter(({ partitions }) => partitions.length > 0)
  if (unpinned.length === 0) return
  const ends = await admin.listOffsets({ topics: unpinned })
  try {
    await admin.alterConsumerGroupOffsets({ groupId, topics: ends.map(({ name, partitions }) =>
      ({ name, partitionOffsets: partitions.map(({ partitionIndex, offset }) => ({ partition: partitionIndex, offset })) })) })
  } catch (error) {
    // The group has members: they have been through this.
    if (!(error instanceof Error && findErrorBy(error, 'apiId', 'UNKNOWN_MEMBER_ID'))) throw error
  }
}
