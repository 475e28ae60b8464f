import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { runWithKafkaClient } from '@curfew/testing'

export interface ForeignRecord {
  readonly topic: string
  readonly key?: string | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

const source = fileURLToPath(new URL('../foreign/ProduceRecord.java', import.meta.url))

/** Produces with Apache Kafka's Java client; resolves once every record is acknowledged. */
export async function produceForeign(brokers: string, records: readonly ForeignRecord[]): Promise<void> {
  const line = ({ topic, key = null, value, headers = {} }: ForeignRecord): string =>
    [topic, key ?? '-', value?.toString('base64') ?? '-', Object.entries(headers).map(([name, text]) => `${name}=${text}`).join('&')].join('\t')
  const printed = await runWithKafkaClient(source, [brokers], `${records.map(line).join('\n')}\n`)
  const acknowledged = printed.trim().split('\n').length
  if (acknowledged !== records.length) throw new Error(`${acknowledged} of ${records.length} records were acknowledged`)
}

/** A lifecycle signal as an identity team writes it, with only the headers that DESIGN section 4 requires. */
export function lifecycleRecord(kind: string, sub: string, occurredAt: Date, { id = randomUUID(), details }: { id?: string; details?: Record<string, unknown> } = {}): ForeignRecord {
  return {
    topic: 'curfew.lifecycle.v1', key: `default/${sub}`,
    value: Buffer.from(JSON.stringify({ subject: { sub }, occurredAt: occurredAt.toISOString(), ...(details ? { details } : {}) })),
    headers: { ce_specversion: '1.0', ce_id: id, ce_source: 'https://hr.example', ce_type: `curfew.lifecycle.${kind}`, 'content-type': 'application/json' },
  }
}
