import { Consumer, FetchIsolationLevels, ResponseError } from '@platformatic/kafka'
import { setTimeout as pause } from 'node:timers/promises'
import { clientOptions, type KafkaAddress } from './kafka-client.adapter.js'
import { afterBatch, recordsOf, type FetchedBatch } from './kafka-record.js'
import type { BusRecord, TailOptions } from './port.js'
import { within } from './within.js'

export interface KafkaTailOptions extends TailOptions {
  /** The topic's name on the broker. */
  readonly inside: string
  readonly topicId: string
}

/** The broker answers an idle fetch after a second, so that silence is noticed; any append answers it at once. */
const maxWaitMs = 1_000
/** The client gives a request 3 s and a connection 2 s; one that is silent for longer than both is broken. */
const deadlineMs = 6_000
/** Ten refusals in a row, half a second and more: whatever is wrong may lie in this client. */
const maxFailures = 10
const afterFailureMs = 50
const maxBytes = 8 * 1_048_576
/** More than gathers in any time a reader grants: the broker then answers by the clock. */
const gatherBytes = 1_048_576
const maxBytesPerPartition = 2 * 1_048_576

const offsetOutOfRange = 1

/** What of a fetch's answer is read here. */
interface Answer {
  readonly errorCode: number
  readonly responses: readonly { readonly partitions: readonly AnswerPartition[] }[]
}
interface AnswerPartition {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly records?: readonly FetchedBatch[] | null
}

export interface TailProgress {
  /** The next offset of each partition; `take` moves it. */
  readonly next: readonly bigint[]
  take(partition: number, records: readonly BusRecord[], after: bigint): void
  answered(partition: number): void
  lose(reason: string): void
  trouble(error: unknown): void
}

/** One client's life: a loop per broker with one fetch under way, until it is stopped or gets no answers. */
export class TailSession {
  private readonly client: Consumer<Buffer, Buffer, Buffer, Buffer>
  private readonly broken = new AbortController()
  private leaders: number[] = []
  private readonly loops = new Map<number, Promise<void>>()
  private refreshing: Promise<void> | undefined

  constructor(address: KafkaAddress, private readonly options: KafkaTailOptions, private readonly progress: TailProgress) {
    this.client = new Consumer({ ...clientOptions(address), groupId: 'curfew.groupless', maxWaitTime: maxWaitMs })
  }

  /** Resolves when `signal` aborts or another client should go on. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.broken.signal])
    // Closing the connections ends the fetches that wait on them.
    const close = (): void => void this.client.close(true).catch(() => undefined)
    ended.addEventListener('abort', close, { once: true })
    if (ended.aborted) close()
    await this.refresh(ended)
    while (!ended.aborted || this.loops.size > 0) await (this.loops.size > 0 ? Promise.race(this.loops.values()) : this.refresh(ended))
  }

  /** Learns the leaders and gives each a loop. Deduplicated: loops that fail together ask once. */
  private refresh(ended: AbortSignal): Promise<void> {
    this.refreshing ??= this.learn(ended).finally(() => { this.refreshing = undefined })
    return this.refreshing
  }

  private async learn(ended: AbortSignal): Promise<void> {
    const { inside, topicId, from } = this.options
    try {
      const { topics } = await within(this.client.metadata({ topics: [inside], forceUpdate: true }), deadlineMs, 'metadata')
      const topic = topics.get(inside)
      if (ended.aborted) return
      if (!topic) throw new Error('the metadata does not speak of the topic')
      if (topic.id !== topicId) return this.progress.lose('the topic was created anew')
      this.leaders = from.map((_, partition) => topic.partitions[partition]?.leader ?? -1)
      for (const node of new Set(this.leaders)) if (node >= 0 && !this.loops.has(node)) this.loops.set(node, this.loop(node, ended))
      if (this.loops.size === 0) await rest(ended)
    } catch (error) {
      if (ended.aborted) return
      // A deleted topic may be made again, with another id; until then there is nothing to say.
      this.progress.trouble(error)
      await rest(ended)
      if (this.loops.size === 0) this.broken.abort()
    }
  }

  private async loop(node: number, ended: AbortSignal): Promise<void> {
    try {
      for (let failures = 0; !ended.aborted;) {
        const partitions = this.leaders.flatMap((leader, partition) => (leader === node ? [partition] : []))
        if (partitions.length === 0) return
        const isWell = await this.fetch(node, partitions, ended)
        failures = isWell ? 0 : failures + 1
        if (isWell) continue
        if (failures >= maxFailures) return this.broken.abort()
        await rest(ended)
        await this.refresh(ended)
      }
    } finally {
      this.loops.delete(node)
    }
  }

  /** One fetch; false when the leaders should be learned anew. Nothing waits between an answer and its records being applied. */
  private async fetch(node: number, partitions: readonly number[], ended: AbortSignal): Promise<boolean> {
    const { topicId, gatherMs } = this.options
    try {
      const answer = await within(this.client.fetch({
        node, maxWaitTime: gatherMs ?? maxWaitMs, minBytes: gatherMs === undefined ? 1 : gatherBytes, maxBytes, isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
        topics: [{ topicId, partitions: partitions.map((partition) => ({
          partition, fetchOffset: this.progress.next[partition]!, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: maxBytesPerPartition })) }],
      }), deadlineMs, 'a fetch')
      return this.apply(answer, partitions)
    } catch (error) {
      if (ended.aborted) return true
      // One partition's refusal fails the whole call; what the others answered is in the error.
      if (error instanceof ResponseError && isFetchResponse(error)) return this.apply(error.response, partitions)
      this.progress.trouble(error)
      return false
    }
  }

  private apply({ errorCode, responses }: Answer, asked: readonly number[]): boolean {
    if (errorCode !== 0) return false
    const refused = new Set<number>()
    for (const { partitionIndex, errorCode: code, records, logStartOffset, highWatermark } of responses.flatMap(({ partitions }) => partitions)) {
      if (code === offsetOutOfRange) {
        this.progress.lose(`offset ${this.progress.next[partitionIndex]} of partition ${partitionIndex} is outside ${logStartOffset} to ${highWatermark}`)
        return true
      }
      if (code === 0) {
        this.applyBatches(partitionIndex, records ?? [])
        continue
      }
      refused.add(partitionIndex)
      this.progress.trouble(new Error(`partition ${partitionIndex} answered with error ${code}`))
    }
    for (const partition of asked) if (!refused.has(partition)) this.progress.answered(partition)
    return refused.size === 0
  }

  private applyBatches(partition: number, batches: readonly FetchedBatch[]): void {
    if (batches.length === 0) return
    const from = this.progress.next[partition]!
    const after = afterBatch(batches.at(-1)!)
    if (after > from) this.progress.take(partition, batches.flatMap((batch) => recordsOf(this.options.topic, partition, batch, from)), after)
  }
}

const isFetchResponse = (error: ResponseError): error is ResponseError & { response: Answer } => Array.isArray((error as { response?: Partial<Answer> }).response?.responses)

const rest = (ended: AbortSignal): Promise<unknown> => pause(afterFailureMs, undefined, { signal: ended }).catch(() => undefined)
