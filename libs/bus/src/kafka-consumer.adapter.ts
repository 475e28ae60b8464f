import kafkajs, { type Consumer, type EachBatchPayload } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'
import { nameOf, type KafkaAssignment } from './kafka-assignment.adapter.js'
import type { KafkaAddress } from './kafka-client.adapter.js'
import { pinToEnd } from './kafka-offsets.adapter.js'
import { kafkajsConfig, partsOf, recordOf } from './kafkajs-client.adapter.js'
import { readEveryCodec } from './kafkajs-codecs.adapter.js'
import { quietenRequestQueues } from './kafkajs-queue.adapter.js'
import { KafkaSockets } from './kafkajs-sockets.adapter.js'
import { TopicWatch } from './kafka-topic-watch.adapter.js'
import type { BusLog, ConsumeOptions, TopicDescription } from './port.js'
import { settlesWithin } from './within.js'

export interface KafkaGroupOptions extends KafkaAddress, ConsumeOptions {
  readonly log: BusLog
  /** The name that a topic or group has on the broker. */
  readonly inside: (name: string) => string
  readonly describe: (topic: string) => Promise<TopicDescription>
}

/** A member that is killed holds its partitions this long; one whose event loop stands still for as long has lost them anyway. */
const sessionMs = 15_000
/** Also how soon a member hears that the group has changed. */
const heartbeatMs = 1_000
/** How long members have to come back in a rebalance: a heartbeat to hear of it, the drain, and slack. */
const rebalanceMs = 20_000
/** Running handlers have this long before the partitions may go to another member; well within the session. */
const drainBeforeJoinMs = 5_000
/** On closing: as long as orchestrators commonly wait before they kill. */
const drainOnCloseMs = 25_000
const disconnectMs = 5_000
const maxWaitMs = 500
/** More than gathers in any such time: the broker then answers by the clock. A full partition's worth still goes out at once. */
const gatherBytes = 1_048_576
const patience = (gatherMs: number | undefined): { maxWaitTimeInMs: number; minBytes: number } =>
  gatherMs === undefined ? { maxWaitTimeInMs: maxWaitMs, minBytes: 1 } : { maxWaitTimeInMs: gatherMs, minBytes: gatherBytes }
const commitEveryMs = 500
/** A full partition holds up its neighbours on the broker this long; then it alone waits. */
const waitForRoomMs = 100
/** Longer than a drain and a rebalance together: a consumer that fetched nothing, or had no heartbeat answered, for so long is stuck. */
const silentMs = 40_000
const lookEveryMs = 10_000

/**
 * One kafkajs consumer from joining to its end. kafkajs fetches and joins; everything that may take time or fail is ours: no handler runs inside it, it
 * never restarts itself, and commits are explicit. It is replaced by another when it crashes or falls silent.
 */
export class KafkaConsumer {
  hasJoined = false
  /** The topic it ended for because it is another than before. */
  madeAnew: string | undefined
  private readonly sockets = new KafkaSockets()
  private readonly consumer: Consumer
  private readonly topics: TopicWatch
  private end!: (reason: string) => void
  private readonly ended = new Promise<string>((resolve) => { this.end = resolve })
  private commitNow: EachBatchPayload['commitOffsetsIfNecessary'] | undefined
  private committing: Promise<void> | undefined
  private commitTimer: NodeJS.Timeout | undefined
  private isHeld = false
  private readonly lastSign = { fetch: 0, heartbeat: 0 }
  private readonly fetching = new Set<number>()
  /** Fetches that began before the last join, and the partitions that must not believe them. */
  private readonly outdated = new Set<number>()
  private readonly fresh = new Set<string>()

  /** `memberId` is the name that the consumer before this one had in the group, if it could not say goodbye. */
  constructor(private readonly options: KafkaGroupOptions, private readonly assignment: KafkaAssignment, public memberId?: string) {
    quietenRequestQueues()
    readEveryCodec()
    this.consumer = new kafkajs.Kafka(kafkajsConfig(options, this.sockets)).consumer({
      groupId: options.inside(options.group), sessionTimeout: sessionMs, heartbeatInterval: heartbeatMs, rebalanceTimeout: rebalanceMs,
      ...patience(options.gatherMs), maxBytes: 8 * 1_048_576, maxBytesPerPartition: 1_048_576, metadataMaxAge: 30_000, allowAutoTopicCreation: false,
      // Five seconds' worth, and a budget that kafkajs never refills. It must run out: with a coordinator that is gone it would otherwise try that one for
      // ever. When it has, this consumer ends and another takes its place.
      retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 8, restartOnFailure: async () => false },
      partitionAssigners: [(config) => {
        this.takeHold(config.cluster as unknown as ClusterHooks)
        return kafkajs.PartitionAssigners.roundRobin(config)
      }],
    })
    this.topics = new TopicWatch(options)
    this.listen()
  }

  /** Resolves with the reason when it has ended, in whatever way; never rejects. */
  async run(signal: AbortSignal): Promise<string> {
    const close = (): void => this.end('closed')
    signal.addEventListener('abort', close, { once: true })
    if (signal.aborted) close()
    const watch = setInterval(() => void this.lookAround(), lookEveryMs)
    this.start().catch((error: unknown) => this.end(String(error).slice(0, 300)))
    const reason = await this.ended
    clearInterval(watch)
    signal.removeEventListener('abort', close)
    await this.finish(signal.aborted ? drainOnCloseMs : drainBeforeJoinMs)
    return reason
  }

  /** Commits before long; what was done since the last commit is delivered again after a crash. */
  commitSoon(): void {
    this.commitTimer ??= setTimeout(() => {
      this.commitTimer = undefined
      void this.commit()
    }, commitEveryMs)
  }

  private async start(): Promise<void> {
    const topics = this.options.topics.map(this.options.inside)
    if (this.options.from === 'latest') await pinToEnd(this.options, this.options.inside(this.options.group), topics)
    await this.consumer.connect()
    await this.topics.madeAnew()
    await this.consumer.subscribe({ topics, fromBeginning: true })
    await this.consumer.run({
      autoCommit: false, eachBatchAutoResolve: false,
      // Every batch of a fetch gets its turn at once: taking it in is quick, and none waits behind a neighbour's.
      partitionsConsumedConcurrently: 1_000, eachBatch: (payload) => this.onBatch(payload),
    })
  }

  private listen(): void {
    const { events } = this.consumer
    this.consumer.on(events.CRASH, ({ payload }) => this.end(String(payload.error).slice(0, 300)))
    this.consumer.on(events.REQUEST_TIMEOUT, ({ payload }) => this.sockets.giveUp(payload.broker))
    this.consumer.on(events.GROUP_JOIN, ({ payload }) => this.onJoin(payload.memberId, payload.memberAssignment))
    this.consumer.on(events.HEARTBEAT, () => { this.lastSign.heartbeat = performance.now() })
    this.consumer.on(events.FETCH_START, ({ payload }) => void this.fetching.add(payload.nodeId))
    this.consumer.on(events.FETCH, ({ payload }) => this.onFetched(payload.nodeId))
  }

  /**
   * Three things kafkajs has no option for. Before it joins (again), running handlers must end and be committed, or the next owner of a partition would
   * overtake them: joining begins with looking for the coordinator, and that waits. Who could not say goodbye joins under its old name, or the group would
   * wait for its own ghost until the session ends. And disconnecting in a crash must not reject unheard, which ends the process.
   */
  private takeHold(cluster: ClusterHooks): void {
    const { findGroupCoordinator, disconnect } = cluster
    cluster.findGroupCoordinator = async (group) => {
      await this.beforeJoin()
      const coordinator = await findGroupCoordinator.call(cluster, group)
      if (!this.hasJoined) this.joinAsBefore(coordinator)
      return coordinator
    }
    cluster.disconnect = () => disconnect.call(cluster).catch((error: unknown) => this.options.log.debug({ err: error }, 'disconnecting from Kafka failed'))
  }

  private joinAsBefore(coordinator: Coordinator): void {
    const { joinGroup } = coordinator
    const { memberId } = this
    // Once: a coordinator that knows the name no longer says so, and gives another.
    this.memberId = undefined
    coordinator.joinGroup = (request) => {
      coordinator.joinGroup = joinGroup
      return joinGroup.call(coordinator, { ...request, memberId: request.memberId || memberId || '' })
    }
  }

  private async beforeJoin(): Promise<void> {
    if (!this.hasJoined || this.isHeld) return
    this.isHeld = true
    if (!await this.assignment.drain(drainBeforeJoinMs)) this.options.log.warn({ group: this.options.group }, 'handlers did not end before a rebalance; their records are delivered again')
    await settlesWithin(this.commit(), disconnectMs)
  }

  private onJoin(memberId: string, assigned: Readonly<Record<string, readonly number[]>>): void {
    const { fresh, lost } = this.assignment.assign(new Set(Object.entries(assigned).flatMap(([topic, partitions]) => partitions.map((partition) => nameOf(topic, partition)))))
    for (const name of lost) this.resume(name)
    for (const node of this.fetching) this.outdated.add(node)
    this.fresh.clear()
    for (const name of fresh) {
      this.fresh.add(name)
      this.awaitStraggler(name)
    }
    this.isHeld = false
    this.hasJoined = true
    this.memberId = memberId
    this.lastSign.fetch = this.lastSign.heartbeat = performance.now()
    this.options.log.info({ group: this.options.group, partitions: this.assignment.names.length }, 'the consumer has joined its group')
  }

  private onFetched(node: number): void {
    this.lastSign.fetch = performance.now()
    this.fetching.delete(node)
    // Its batches are handed out before the event loop turns.
    if (this.outdated.has(node)) setImmediate(() => this.outdated.delete(node))
  }

  private async onBatch({ batch, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    this.commitNow = commitOffsetsIfNecessary
    const name = nameOf(batch.topic, batch.partition)
    const work = this.assignment.workOf(name)
    if (!work || this.isHeld || !this.isBelievable(name) || this.assignment.stragglerOf(name)) {
      // Not resolved, hence fetched again.
      await pause(waitForRoomMs)
      return
    }
    const last = batch.messages.at(-1)
    if (!last) return
    work.add(batch.messages.map((message) => recordOf(batch.topic.slice(this.options.inside('').length), batch.partition, message)), BigInt(batch.lastOffset()) + 1n)
    resolveOffset(last.offset)
    if (work.isFull) await settlesWithin(work.until(() => !work.isFull || this.isHeld), waitForRoomMs)
    if (work.isFull || work.stopped !== undefined) this.pauseUntil(name, () => work.hasRoom && work.stopped === undefined)
  }

  /** A fetch that began before this consumer lost and regained a partition says nothing about where the partition stands now. */
  private isBelievable(name: string): boolean {
    return !this.fresh.has(name) || this.outdated.size === 0
  }

  private awaitStraggler(name: string): void {
    const straggler = this.assignment.stragglerOf(name)
    if (!straggler) return
    this.consumer.pause([partsOf(name)])
    void straggler.until(() => straggler.isIdle).then(() => this.resume(name))
  }

  private pauseUntil(name: string, condition: () => boolean): void {
    const work = this.assignment.workOf(name)
    if (!work) return
    this.consumer.pause([partsOf(name)])
    void work.until(condition).then(() => { if (this.assignment.workOf(name) === work) this.resume(name) })
  }

  private resume(name: string): void {
    try {
      this.consumer.resume([partsOf(name)])
    } catch {
      // It has ended meanwhile, and fetches nothing any more.
    }
  }

  /** One commit at a time; one that fails is repeated by the next. */
  private commit(): Promise<void> {
    this.committing ??= this.commitAll().finally(() => { this.committing = undefined })
    return this.committing
  }

  private async commitAll(): Promise<void> {
    const offsets = this.assignment.uncommitted()
    if (offsets.length === 0 || !this.commitNow) return
    try {
      await this.commitNow({ topics: offsets.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset: String(offset) }] })) })
      this.assignment.wasCommitted(offsets)
    } catch (error) {
      this.options.log.debug({ group: this.options.group, err: error }, 'offsets could not be committed yet')
      if (!this.isHeld) this.commitSoon()
    }
  }

  private async lookAround(): Promise<void> {
    if (!this.hasJoined) return
    const { fetch, heartbeat } = this.lastSign
    if (performance.now() - Math.min(fetch, heartbeat) > silentMs) this.end(`${fetch < heartbeat ? 'no fetch' : 'no heartbeat'} was answered for ${silentMs} ms`)
    this.madeAnew ??= await this.topics.madeAnew()
    if (this.madeAnew === undefined) return
    // What is in hand belongs to the old topic and must not be committed to the new one.
    this.commitNow = undefined
    this.end(`${this.madeAnew} was created anew`)
  }

  /** While handlers end, kafkajs keeps the membership alive and fetches nothing. */
  private async finish(drainMs: number): Promise<void> {
    this.isHeld = true
    if (this.hasJoined) for (const name of this.assignment.names) try { this.consumer.pause([partsOf(name)]) } catch { break }
    if (!await this.assignment.drain(drainMs)) this.options.log.warn({ group: this.options.group }, 'handlers did not end in time; their records are delivered again')
    clearTimeout(this.commitTimer)
    await settlesWithin((this.committing ?? Promise.resolve()).then(() => this.commit()), disconnectMs)
    clearTimeout(this.commitTimer)
    this.assignment.letGoAll()
    await settlesWithin(this.consumer.disconnect(), disconnectMs)
    this.sockets.end()
  }
}

/** The part of kafkajs's cluster that a partition assigner is given and that matters here. */
interface ClusterHooks {
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>
  disconnect(): Promise<void>
}
interface Coordinator {
  joinGroup(request: { readonly memberId: string }): Promise<unknown>
}
