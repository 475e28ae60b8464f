import { Admin, findErrorBy, ListOffsetTimestamps } from '@platformatic/kafka'
import { clientOptions, persist, type KafkaAddress } from './kafka-client.adapter.js'

const patienceMs = 5_000
/** Long enough for every other member to notice too, and to have left. */
const forgetForMs = 10_000

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

/** Drops what a group committed for a topic, so that it begins at the topic's first record. Waits until no member reads the topic. */
export async function forgetOffsets(address: KafkaAddress, groupId: string, topic: string): Promise<void> {
  const admin = new Admin(clientOptions(address))
  try {
    await persist(`forget the offsets of ${groupId}`, forgetForMs, async () => {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      const partitionIndexes = Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, partition) => partition)
      await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes }] }).catch(asPassingWhileRead)
    })
  } finally {
    await admin.close().catch(() => undefined)
  }
}

function asPassingWhileRead(error: Error): void {
  if (findErrorBy(error, 'apiId', 'GROUP_ID_NOT_FOUND')) return
  throw findErrorBy(error, 'apiId', 'GROUP_SUBSCRIBED_TO_TOPIC') ? new Error('other members of the group still read the topic', { cause: error }) : error
}
