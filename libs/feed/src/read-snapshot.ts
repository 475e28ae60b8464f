import { denylistSnapshot, type SnapshotDocument } from '@curfew/contracts'
import type { Instant } from '@curfew/kernel'
import type { KeyObject } from 'node:crypto'
import { isAhead } from './apply-record.js'
import { isSigned, type SignedParts } from './signature.js'
import type { FeedTerms, SignedSnapshot } from './terms.js'

/** What the control plane signs when it serves a snapshot: the body under its entity tag, for this feed. */
export const snapshotParts = (topic: string, etag: string, body: Buffer): SignedParts =>
  ({ topic, id: etag, source: 'snapshot', type: 'curfew.denylist.snapshot', tenant: '*', value: body })

/** Takes a snapshot apart, or throws saying why it is not believed: it must be signed, of the incarnation we follow, and not from the future. */
export function readSnapshot(
  snapshot: SignedSnapshot, terms: FeedTerms, keys: ReadonlyMap<string, KeyObject>, primaryNowAtMost: Instant,
): SnapshotDocument & { readonly positions: readonly string[] } {
  const { body, etag, signature } = snapshot
  if (!isSigned(snapshotParts(terms.topic, etag, body), signature, keys)) throw new Error('the snapshot is not signed by a feed key of the control plane')
  const read = denylistSnapshot.safeParse(JSON.parse(body.toString('utf8')))
  if (!read.success) throw new Error(`the snapshot is not one this program understands: ${read.error.issues[0]?.path.join('.')}`)
  const document = read.data
  if (document.topic !== terms.topic || document.topicId !== terms.topicId) throw new Error('the snapshot is of another incarnation of the topic')
  if (document.positions.length !== terms.partitions) throw new Error('the snapshot covers another number of partitions')
  if (document.denylist.entries.some(({ cutoff }) => isAhead(cutoff, primaryNowAtMost))) throw new Error('the snapshot holds a cutoff in the future of the primary')
  return document
}
