import { PartitionWork, type Handle } from './partition-work.js'
import type { BusRecord } from './port.js'
import { settlesWithin } from './within.js'

export interface CommitOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`
const placeOf = (name: string): { topic: string; partition: number } => ({ topic: name.slice(0, name.lastIndexOf('/')), partition: Number(name.slice(name.lastIndexOf('/') + 1)) })

/**
 * The partitions one consumer holds, over its rebalances. What it keeps goes on where it was, whatever is fetched again; what it loses is let go;
 * and a handler that outlives its partition is waited for before the partition's records may begin here again.
 */
export class KafkaAssignment {
  private readonly held = new Map<string, PartitionWork>()
  private readonly committed = new Map<string, bigint>()

  /** `stragglers` outlive the consumer: the next one must not overtake its handlers either. */
  constructor(private readonly handle: Handle, private readonly changed: () => void, private readonly stragglers: Map<string, PartitionWork>) {}

  get names(): string[] {
    return [...this.held.keys()]
  }

  workOf(name: string): PartitionWork | undefined {
    return this.held.get(name)
  }

  /** The consumer holds these now. Answers which are new to it and which it has lost. */
  assign(names: ReadonlySet<string>): { fresh: string[]; lost: string[] } {
    const lost = this.names.filter((name) => !names.has(name))
    const fresh = [...names].filter((name) => !this.held.has(name))
    for (const name of lost) this.letGo(name)
    for (const work of this.held.values()) work.proceed()
    for (const name of fresh) this.held.set(name, new PartitionWork(this.handle, this.changed))
    return { fresh, lost }
  }

  /** The handler still running from an earlier time with this partition. */
  stragglerOf(name: string): PartitionWork | undefined {
    return this.stragglers.get(name)
  }

  add(name: string, records: readonly BusRecord[], next: bigint): void {
    this.held.get(name)?.add(records, next)
  }

  /** Nothing begins any more; resolves when all handlers have ended, or after `ms`: then false. */
  async drain(ms: number): Promise<boolean> {
    for (const work of this.held.values()) work.hold()
    return settlesWithin(Promise.all([...this.held.values()].map((work) => work.until(() => work.isIdle))), ms)
  }

  letGoAll(): void {
    for (const name of this.names) this.letGo(name)
  }

  /** What may be committed and is not yet. */
  uncommitted(): CommitOffset[] {
    return [...this.held].flatMap(([name, work]) => {
      const offset = work.committable
      return offset === undefined || offset <= (this.committed.get(name) ?? -1n) ? [] : [{ ...placeOf(name), offset }]
    })
  }

  wasCommitted(offsets: readonly CommitOffset[]): void {
    for (const { topic, partition, offset } of offsets) if (this.held.has(nameOf(topic, partition))) this.committed.set(nameOf(topic, partition), offset)
  }

  /** The first partition that a handler has stopped. */
  stopped(): { readonly name: string; readonly why: string } | undefined {
    for (const [name, { stopped }] of this.held) if (stopped !== undefined) return { name, why: stopped }
    return undefined
  }

  private letGo(name: string): void {
    const work = this.held.get(name)!
    this.held.delete(name)
    this.committed.delete(name)
    work.hold()
    if (work.isIdle) return
    this.stragglers.set(name, work)
    void work.until(() => work.isIdle).then(() => this.stragglers.delete(name))
  }
}
