import type { TopicDescription } from '@curfew/bus'

/** What is written down of the feed's topic. Without a topic id the log was never seen, and the catalogue's count of partitions stands in. */
export interface KnownTopic {
  readonly topicId: string | undefined
  readonly partitions: number
}

export type TopicChange =
  | { readonly kind: 'none' }
  /** First sight, or more partitions of the same incarnation: what was published stays published. */
  | { readonly kind: 'noted' }
  /** Another incarnation: what the earlier one held is gone, and counts as unpublished (PROTOCOL section 4). */
  | { readonly kind: 'recreated' }

/** What the log's own description means for what we wrote down. The same incarnation cannot lose partitions: then it was described by an old leader. */
export function topicChange(known: KnownTopic, seen: TopicDescription): TopicChange {
  if (known.topicId === undefined) return { kind: 'noted' }
  if (known.topicId !== seen.topicId) return { kind: 'recreated' }
  return seen.partitions > known.partitions ? { kind: 'noted' } : { kind: 'none' }
}
