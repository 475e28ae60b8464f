import type { FeedReader } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import { toIso, type Instant } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { liveSince } from '../expire/live-since.js'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { snapshotBeginning, type SnapshotCursor, type SnapshotStore } from '../store/snapshot.store.js'
import { entryText, MergedEntries } from './merge-rows.js'

/** A snapshot as it is served: its text, the tag that names it, and the signature over both. */
export interface Snapshot {
  readonly body: Buffer
  readonly etag: string
  readonly signature: string
}

/** Rows of one statement: merging and writing them takes the event loop for a few milliseconds. */
const pageRows = 1_000

/** Where in the log a snapshot ends, and of which incarnation it speaks. */
interface Coverage {
  readonly topicId: string
  readonly positions: readonly bigint[]
}

/**
 * Builds the merged denylist with the positions it covers. The end offsets are captured first, then the database is read: whatever lies below
 * them was committed before any page is read, so each page sees it, whichever transaction reads which page. What is committed meanwhile
 * may be in it or not, and is in the log above the positions (PROTOCOL section 9).
 */
export class BuildSnapshot {
  constructor(
    private readonly topic: string, private readonly database: Database, private readonly store: SnapshotStore,
    private readonly reader: FeedReader, private readonly signer: FeedSigner,
  ) {}

  async build(): Promise<Snapshot> {
    const { topicId, positions } = await this.coverage()
    const takenAt = await this.database.primaryNow()
    const since = liveSince(takenAt)
    const head = JSON.stringify({ topic: this.topic, topicId, positions: positions.map(String), takenAt: toIso(takenAt) })
    const entries = await this.entries(since)
    const flags = await this.database.transactEverywhere((tx) => this.store.flags(tx, since))
    const body = Buffer.concat([
      Buffer.from(`${head.slice(0, -1)},"denylist":{"version":1,"entries":[`), ...entries, Buffer.from(`],"flags":${JSON.stringify(flags)}}}`),
    ])
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    return { body, etag, signature: this.signer.signatureOf(body, etag, this.topic) }
  }

  private async coverage(): Promise<Coverage> {
    try {
      const before = await this.reader.describe(this.topic)
      const positions = await this.reader.endOffsets(this.topic)
      const after = await this.reader.describe(this.topic)
      if (before.topicId !== after.topicId) throw new Error('the feed\'s topic was recreated while its end was read')
      return { topicId: after.topicId, positions }
    } catch (cause) {
      if (cause instanceof Fault) throw cause
      throw new Fault('dependency.unavailable', { detail: 'the feed\'s end cannot be read' }, { cause })
    }
  }

  private async entries(since: Instant): Promise<Buffer[]> {
    const merged = new MergedEntries()
    const written: Buffer[] = []
    let isFirst = true
    const write = (texts: readonly string[]): void => {
      if (texts.length === 0) return
      written.push(Buffer.from(`${isFirst ? '' : ','}${texts.join(',')}`))
      isFirst = false
    }
    for (let after: SnapshotCursor | undefined = snapshotBeginning; after !== undefined;) {
      const cursor: SnapshotCursor = after
      const { rows, next } = await this.database.transactEverywhere((tx) => this.store.page(tx, since, cursor, pageRows))
      write(rows.flatMap((row) => merged.push(row) ?? []).map(entryText))
      await breathe()
      after = next
    }
    const last = merged.end()
    write(last === undefined ? [] : [entryText(last)])
    return written
  }
}
