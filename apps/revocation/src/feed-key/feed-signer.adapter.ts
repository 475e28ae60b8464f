import type { OutgoingRecord } from '@curfew/bus'
import type { PublicJwk } from '@curfew/contracts'
import { signRecord } from '@curfew/feed'
import { assert } from '@curfew/kernel'
import type { KeyObject } from 'node:crypto'

/** Speaks for the control plane on the feed: with its key, and with nothing else (PROTOCOL section 6). */
export class FeedSigner {
  constructor(private readonly key: { readonly kid: string; readonly privateKey: KeyObject }, readonly publicKeys: readonly PublicJwk[]) {}

  /** The same record with its signature. What is signed are the parts a reader acts on, as the record carries them. */
  signed(record: OutgoingRecord): OutgoingRecord {
    const { topic, value, headers: { ce_id: id, ce_source: source, ce_type: type, ce_tenant: tenant } } = record
    assert(value !== null && id !== undefined && source !== undefined && type !== undefined && tenant !== undefined, 'only a whole event is signed')
    const signature = signRecord({ topic, id, source, type, tenant, value }, this.key)
    return { ...record, headers: { ...record.headers, 'curfew-signature': signature } }
  }

  /** The signature of a snapshot under its entity tag, for the feed it is a snapshot of. */
  signatureOf(body: Buffer, etag: string, topic: string): string {
    return signRecord({ topic, id: etag, source: 'snapshot', type: 'curfew.denylist.snapshot', tenant: '*', value: body }, this.key)
  }
}
