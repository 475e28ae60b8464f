import { setTimeout as pause } from 'node:timers/promises'
import { pauseAfter } from './deliver.js'
import { readLog } from './log-reader.adapter.js'
import { PartitionWork } from './partition-work.js'
import type { BusLog, ConsumeOptions, GroupConsumer, LogStore, TopicDescription } from './port.js'
import type { WakeUps } from './wake-ups.js'
import { settlesWithin } from './within.js'

/** How long a partition that is given back waits for its running handlers; what they do after that is delivered again. */
export const drainMs = 30_000

interface Held {
  readonly topic: string
  readonly partition: number
  readonly work: PartitionWork
  readonly stop: AbortController
  committed: bigint
  committing?: Promise<void>
  reading?: Promise<void>
  trouble?: string
}

/** The members of one group in this process. Partitions go round them, and change hands only when their handlers have ended. */
export class InProcessGroup {
  private readonly members: InProcessConsumer[] = []
  private sharing: Promise<void> = Promise.resolve()
  private readonly closing = new AbortController()

  constructor(private readonly store: LogStore, private readonly wakeUps: WakeUps, private readonly log: BusLog) {}

  join(options: ConsumeOptions): GroupConsumer {
    const member = new InProcessConsumer(options, this.store, this.wakeUps, this.log, () => this.leave(member))
    this.members.push(member)
    this.share()
    return member
  }

  /** Deals the partitions anew; one deal at a time, and the next sees what changed meanwhile. */
  share(): Promise<void> {
    this.sharing = this.sharing.then(() => this.deal())
    return this.sharing
  }

  async close(): Promise<void> {
    this.closing.abort()
    await Promise.all([...this.members].map((member) => member.close()))
  }

  private async leave(member: InProcessConsumer): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1)
    if (this.members.length === 0) this.closing.abort()
    else await this.share()
  }

  private async deal(): Promise<void> {
    for (let failures = 1; this.members.length > 0; failures += 1) {
      try {
        const shares = await this.shares()
        await Promise.all(this.members.map((member) => member.giveBackAllBut(shares.get(member) ?? [])))
        await Promise.all(this.members.map((member) => member.take(shares.get(member) ?? [])))
        return
      } catch (error) {
        this.log.warn({ failures, err: error }, 'a group cannot share its partitions yet')
        for (const member of this.members) member.waitsFor = String(error).slice(0, 300)
        await pause(pauseAfter(failures), undefined, { signal: this.closing.signal }).catch(() => undefined)
      }
    }
  }

  private async shares(): Promise<Map<InProcessConsumer, string[]>> {
    const shares = new Map<InProcessConsumer, string[]>()
    for (const topic of new Set(this.members.flatMap(({ options }) => options.topics))) {
      const { partitions } = await this.describe(topic)
      const readers = this.members.filter(({ options }) => options.topics.includes(topic))
      for (let partition = 0; partition < partitions; partition += 1) {
        const reader = readers[partition % readers.length]!
        shares.set(reader, [...(shares.get(reader) ?? []), nameOf(topic, partition)])
      }
    }
    return shares
  }

  private async describe(topic: string): Promise<TopicDescription> {
    const description = await this.store.topic(topic)
    if (!description) throw new Error(`the topic ${topic} does not exist: apply the topics first`)
    return description
  }
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`
const partsOf = (name: string): { topic: string; partition: number } => ({ topic: name.slice(0, name.lastIndexOf('/')), partition: Number(name.slice(name.lastIndexOf('/') + 1)) })

class InProcessConsumer implements GroupConsumer {
  waitsFor: string | undefined = 'it has no partitions yet'
  private readonly held = new Map<string, Held>()
  private closed = false

  constructor(
    readonly options: ConsumeOptions, private readonly store: LogStore, private readonly wakeUps: WakeUps, private readonly log: BusLog,
    private readonly left: () => Promise<void>,
  ) {}

  unhealthy(): string | undefined {
    const sick = [...this.held.values()].find(({ work, trouble }) => work.stopped ?? trouble)
    const why = sick ? `${nameOf(sick.topic, sick.partition)}: ${sick.work.stopped ?? sick.trouble}` : this.waitsFor
    return why === undefined ? undefined : `group ${this.options.group}: ${why}`
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.giveBackAllBut([])
    await this.left()
  }

  async giveBackAllBut(names: readonly string[]): Promise<void> {
    await Promise.all([...this.held].filter(([name]) => !names.includes(name)).map(([name, held]) => this.giveBack(name, held)))
  }

  async take(names: readonly string[]): Promise<void> {
    for (const name of names) if (!this.held.has(name) && !this.closed) await this.start(name)
    this.waitsFor = undefined
  }

  private async start(name: string): Promise<void> {
    const { topic, partition } = partsOf(name)
    const from = await this.startOf(topic, partition)
    if (this.closed) return
    const work: PartitionWork = new PartitionWork(this.options.onRecord, () => this.commit(held))
    const held: Held = { topic, partition, work, stop: new AbortController(), committed: from }
    this.held.set(name, held)
    const { signal } = held.stop
    held.reading = readLog({
      store: this.store, wakeUps: this.wakeUps, log: this.log, topic, partition, from, signal,
      onRead: async (records, next) => {
        work.add(records, next)
        await work.until(() => !work.isFull || signal.aborted)
      },
      onTrouble: (error) => { held.trouble = error === undefined ? undefined : String(error).slice(0, 300) },
    })
  }

  private async startOf(topic: string, partition: number): Promise<bigint> {
    const committed = (await this.store.committed(this.options.group, topic)).get(partition)
    const [start, end] = (await this.store.bounds(topic))[partition] ?? [0n, 0n]
    if (committed !== undefined) return committed >= start && committed <= end ? committed : start
    if (this.options.from !== 'latest') return start
    // Kept at once: a group that began at the end and restarts before its first record must not begin at a later end.
    await this.store.commit(this.options.group, topic, partition, end)
    return end
  }

  private async giveBack(name: string, held: Held): Promise<void> {
    held.stop.abort()
    held.work.hold()
    const isIdle = await settlesWithin(held.work.until(() => held.work.isIdle), drainMs)
    if (!isIdle) this.log.warn({ group: this.options.group, topic: held.topic, partition: held.partition }, 'handlers did not end in time; their records are delivered again')
    await held.reading
    await this.commit(held)
    this.held.delete(name)
  }

  /** One commit at a time per partition, and another when more was done meanwhile. One that fails is made up by the next. */
  private commit(held: Held): Promise<void> {
    held.committing ??= this.commitAll(held).finally(() => { held.committing = undefined })
    return held.committing
  }

  private async commitAll(held: Held): Promise<void> {
    for (let next = held.work.committable; next !== undefined && next > held.committed; next = held.work.committable) {
      try {
        await this.store.commit(this.options.group, held.topic, held.partition, next)
        held.committed = next
      } catch (error) {
        this.log.warn({ group: this.options.group, topic: held.topic, partition: held.partition, err: error }, 'an offset could not be committed')
        return
      }
    }
  }
}
