import type { OutgoingRecord, Position, Publisher } from '@curfew/bus'
import { systemClock } from '@curfew/kernel'
import type { Database, DatabaseLog } from './database.js'
import { openDatabase, type OpenDatabaseOptions } from './open-database.adapter.js'

/** Acknowledges what it gets, unless told otherwise, and remembers it. */
export class PublisherDouble implements Publisher {
  readonly acknowledged: OutgoingRecord[] = []
  requests = 0
  topicId = 'topic-1'
  /** Throws to refuse a request; returns a promise to delay its acknowledgement. */
  onRequest: (records: readonly OutgoingRecord[]) => void | Promise<void> = () => undefined
  private offset = 0n

  async publish(records: readonly OutgoingRecord[]): Promise<Position[]> {
    this.requests++
    await this.onRequest(records)
    this.acknowledged.push(...records)
    return records.map(({ topic, partition }) => ({ topic, topicId: this.topicId, partition: partition ?? 0, leaderEpoch: 3, offset: this.offset++ }))
  }

  values(): string[] {
    return this.acknowledged.map(({ value }) => String(value))
  }

  async close(): Promise<void> {}
}

/** Remembers what was said. */
export class LogDouble implements DatabaseLog {
  readonly lines: { level: string; message: string; details: object }[] = []
  info = (details: object, message: string): void => void this.lines.push({ level: 'info', message, details })
  warn = (details: object, message: string): void => void this.lines.push({ level: 'warn', message, details })
  error = (details: object, message: string): void => void this.lines.push({ level: 'error', message, details })
  said(part: string): number {
    return this.lines.filter(({ message }) => message.includes(part)).length
  }
}

export const opened = (url: string, options: Partial<OpenDatabaseOptions> = {}): Promise<Database> =>
  openDatabase({ url, service: 'session', entities: [], migrations: [], publisher: new PublisherDouble(), clock: systemClock, log: new LogDouble(), ...options })

export const record = (value: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord =>
  ({ topic: 'curfew.sessions.v1', key: `key of ${value}`, value: Buffer.from(value), headers: { ce_id: value }, ...more })
