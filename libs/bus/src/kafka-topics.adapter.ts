import type { TopicSpec } from '@curfew/contracts'
import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes, type ClusterMetadata, type ClusterTopicMetadata } from '@platformatic/kafka'
import { clientOptions, isUnknownTopic, persist, type KafkaAddress } from './kafka-client.adapter.js'
import type { TopicAdmin, TopicDifference } from './port.js'

/** Administration is nobody's hot path, and a controller may be electing. */
const patienceMs = 10_000
const resourceType = ConfigResourceTypes.TOPIC

/** Kafka's side of the topic catalogue. */
export class KafkaTopics implements TopicAdmin {
  private readonly admin: Admin

  /** `inside` gives a topic the name it has on the broker. */
  constructor(address: KafkaAddress, private readonly inside: (topic: string) => string) {
    this.admin = new Admin(clientOptions(address))
  }

  async apply(specs: readonly TopicSpec[]): Promise<string[]> {
    const done: string[] = []
    for (const spec of specs) {
      const there = await this.describe(spec.name)
      done.push(...(there ? [...await this.addPartitions(spec, there), ...await this.configure(spec)] : await this.create(spec)))
    }
    return done
  }

  async check(specs: readonly TopicSpec[]): Promise<TopicDifference[]> {
    const replicas = await this.replicas()
    const differences = await Promise.all(specs.map(async (spec) => {
      const there = await this.describe(spec.name)
      const what = there ? [...shapeDifferences(spec, there, replicas), ...await this.configDifferences(spec)] : ['does not exist']
      return what.map((one) => ({ topic: spec.name, what: one }))
    }))
    return differences.flat()
  }

  async close(): Promise<void> {
    await this.admin.close().catch(() => undefined)
  }

  private async create(spec: TopicSpec): Promise<string[]> {
    const replicas = await this.replicas()
    // Two of three in sync: an acknowledged record survives the loss of any one broker, and one broker may be away.
    const safety = { 'min.insync.replicas': replicas >= 3 ? '2' : '1', 'unclean.leader.election.enable': 'false' }
    const configs = Object.entries({ ...configOf(spec), ...safety }).map(([name, value]) => ({ name, value }))
    await persist(`create ${spec.name}`, patienceMs, () => this.admin.createTopics({ topics: [this.inside(spec.name)], partitions: spec.partitions, replicas, configs }))
    await this.untilLed(spec)
    return [`created ${spec.name} with ${spec.partitions} partitions`]
  }

  private async addPartitions(spec: TopicSpec, there: ClusterTopicMetadata): Promise<string[]> {
    if (there.partitionsCount >= spec.partitions) return []
    await persist(`add partitions to ${spec.name}`, patienceMs, () => this.admin.createPartitions({ topics: [{ name: this.inside(spec.name), count: spec.partitions }] }))
    await this.untilLed(spec)
    return [`raised ${spec.name} from ${there.partitionsCount} to ${spec.partitions} partitions`]
  }

  private async configure(spec: TopicSpec): Promise<string[]> {
    const current = await this.configs(spec.name)
    const toSet = Object.entries(configOf(spec)).filter(([name, value]) => mustBeSet(name, current.get(name), value))
    if (toSet.length === 0) return []
    const configs = toSet.map(([name, value]) => ({ name, value, configOperation: IncrementalAlterConfigOperationTypes.SET }))
    await persist(`configure ${spec.name}`, patienceMs, () =>
      this.admin.incrementalAlterConfigs({ resources: [{ resourceType, resourceName: this.inside(spec.name), configs }] }))
    return toSet.map(([name, value]) => `set ${name} of ${spec.name} to ${value}`)
  }

  private async configDifferences(spec: TopicSpec): Promise<string[]> {
    const current = await this.configs(spec.name)
    return Object.entries(configOf(spec)).filter(([name, value]) => current.get(name) !== value).map(([name, value]) => `has ${name} ${current.get(name)} instead of ${value}`)
  }

  private async configs(topic: string): Promise<Map<string, string | null | undefined>> {
    const described = await persist(`read the configuration of ${topic}`, patienceMs, () =>
      this.admin.describeConfigs({ resources: [{ resourceType, resourceName: this.inside(topic) }] }))
    return new Map(described[0]?.configs.map(({ name, value }) => [name, value]))
  }

  private async describe(topic: string): Promise<ClusterTopicMetadata | undefined> {
    return persist(`describe ${topic}`, patienceMs, async () => {
      try {
        return (await this.metadata([this.inside(topic)])).topics.get(this.inside(topic))
      } catch (error) {
        if (isUnknownTopic(error)) return undefined
        throw error
      }
    })
  }

  /** A topic just made has no leaders for a moment, and who writes to it then is refused. */
  private async untilLed({ name, partitions }: TopicSpec): Promise<void> {
    await persist(`find the leaders of ${name}`, patienceMs, async () => {
      const topic = (await this.metadata([this.inside(name)]).catch(() => undefined))?.topics.get(this.inside(name))
      if (!topic || topic.partitionsCount < partitions || topic.partitions.some(({ leader }) => leader < 0)) throw new Error('no leaders yet')
    })
  }

  private async replicas(): Promise<number> {
    const { brokers } = await persist('list the brokers', patienceMs, () => this.metadata([]))
    return Math.min(3, brokers.size)
  }

  private metadata(topics: string[]): Promise<ClusterMetadata> {
    return this.admin.metadata({ topics, forceUpdate: true })
  }
}

const configOf = (spec: TopicSpec): Record<string, string> => ({
  'cleanup.policy': spec.cleanup, 'retention.ms': String(spec.retentionMs), 'max.message.bytes': String(spec.maxBytes),
  // The broker's clock: a producer's clock in the past would have its records deleted early.
  'message.timestamp.type': 'LogAppendTime',
  // The broker unpacks what producers compress: sizes are then true sizes, and no reader meets a codec it lacks, or a bomb.
  'compression.type': 'uncompressed',
})

/** Lowering retention deletes records, and lowering a size refuses them: whoever raised them had a reason. */
const neverLowered: ReadonlySet<string> = new Set(['retention.ms', 'max.message.bytes'])

function mustBeSet(name: string, current: string | null | undefined, declared: string): boolean {
  if (current === declared) return false
  return !neverLowered.has(name) || !isMore(Number(current ?? 0), Number(declared))
}

// Retention -1 is for ever.
const isMore = (current: number, declared: number): boolean => current === -1 || current > declared

function shapeDifferences(spec: TopicSpec, { partitions, partitionsCount }: ClusterTopicMetadata, replicas: number): string[] {
  const fewest = Math.min(...partitions.map((partition) => partition.replicas.length))
  return [
    ...(partitionsCount === spec.partitions ? [] : [`has ${partitionsCount} partitions instead of ${spec.partitions}`]),
    ...(fewest >= replicas ? [] : [`has ${fewest} replicas instead of ${replicas}`]),
  ]
}
