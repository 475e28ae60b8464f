/** One Kafka topic as the catalogue declares it: what `curfew topics apply` creates and `check` compares. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly retentionMs: number
  readonly cleanup: 'delete'
  /** Largest record the broker stores, bytes: `max.message.bytes`. */
  readonly maxBytes: number
  /** Largest value a reader of ours takes, bytes. Writers check before they commit; a larger value is refused or parked, never cut. */
  readonly takesBytes: number
  /** What keeps order: records with one key share a partition. */
  readonly key: string
  readonly writtenBy: string
  readonly readBy: string
}

const hour = 3_600_000
const day = 24 * hour
const mebibyte = 1_048_576

const topic = (name: string, partitions: number, retentionMs: number, key: string, writtenBy: string, readBy: string): TopicSpec => ({
  name, partitions, retentionMs, cleanup: 'delete', maxBytes: 2 * mebibyte, takesBytes: mebibyte, key, writtenBy, readBy,
})

/** What strangers write to: the broker lets through more than we take, so that an oversized record is parked where somebody sees it. */
const openTopic = (...parts: Parameters<typeof topic>): TopicSpec => ({ ...topic(...parts), maxBytes: 8 * mebibyte })

/**
 * Never compacted: compaction keeps the last write while a denylist merges by max, so a stale writer plus a cold start could
 * un-revoke (DESIGN section 4). Thirty-two days exceed the longest session age a gateway accepts (30 days) plus skew and outage allowance.
 */
export const revocationsRetentionMs = 32 * day

const live = {
  lifecycle: openTopic('curfew.lifecycle.v1', 6, 7 * day, 'tenant+subject', 'identity teams, lifecycle', 'lifecycle, audit'),
  revocationCommands: openTopic('curfew.revocation-commands.v1', 6, 7 * day, 'tenant+scope', 'lifecycle, session, anyone authorised by ACL', 'revocation, audit'),
  subjects: topic('curfew.subjects.v1', 6, 7 * day, 'tenant+subject', 'lifecycle', 'session, audit'),
  revocations: topic('curfew.revocations.v1', 3, revocationsRetentionMs, 'tenant+scope', 'revocation', 'every gateway, session, audit'),
  sessions: topic('curfew.sessions.v1', 6, 7 * day, 'tenant+subject', 'session', 'audit, lifecycle, revocation, SOC'),
  activity: topic('curfew.activity.v1', 6, day, 'session', 'gateways', 'session, revocation'),
  enforcement: topic('curfew.enforcement.v1', 3, 7 * day, 'gateway', 'gateways', 'revocation, audit'),
  audit: topic('curfew.audit.v1', 3, 30 * day, 'tenant', 'audit', 'SOC, SIEM'),
  alerts: topic('curfew.alerts.v1', 3, 30 * day, 'tenant', 'audit', 'SOC, on-call'),
} as const

/** `curfew.<name>.v1` keeps what it could not process in `curfew.<name>.parked.v1`. */
export const parkedTopicOf = (name: string): string => name.replace(/\.v(\d+)$/, '.parked.v$1')

const parked = Object.values(live).map((spec) => ({
  ...topic(parkedTopicOf(spec.name), 1, 30 * day, 'as source', 'whoever could not process it', 'operators'),
  // A parked record carries the original value, however large, and some headers more.
  maxBytes: 9 * mebibyte, takesBytes: 8 * mebibyte,
}))

export const topics = live
/** Every topic there is, in the order `topics apply` prints. */
export const topicCatalogue: readonly TopicSpec[] = [...Object.values(live), ...parked]
