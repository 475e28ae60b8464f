/** Ours among the advisory locks of a database: "FEED" in ASCII. */
const lockSpace = 0x46454544

/**
 * An expression that answers into how many partitions the feed is written, and holds that count still until the commit: whoever changes it waits
 * for us, and we for him. The lock is an advisory one because a row lock would be a write to one hot row for each revocation.
 */
export const feedShared = (topicParameter: string): string =>
  `feed AS MATERIALIZED (SELECT partitions FROM feed_topic, (SELECT pg_advisory_xact_lock_shared(${lockSpace}, 1)) AS shared WHERE topic = ${topicParameter})`

export const lockFeed = `SELECT pg_advisory_xact_lock(${lockSpace}, 1)`

/** A key's hash without its sign, as every Kafka client computes it, is what `partitionOf` leaves of the largest count there is. */
export const wholeHash = 2 ** 31
