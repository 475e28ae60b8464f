import { routes, topics } from '@curfew/contracts'
import type { Database } from '@curfew/persistence'
import type { Compose, Platform } from '@curfew/service-kit'
import { randomUUID } from 'node:crypto'
import { Counter, Gauge } from 'prom-client'
import { ExpireRevocations } from './expire/expire.handler.js'
import { openFeedSigner } from './feed-key/feed-key.handler.js'
import type { FeedSigner } from './feed-key/feed-signer.adapter.js'
import { FollowTopic } from './follow-topic/follow-topic.handler.js'
import { holdMs } from './publish-watermarks/pause.js'
import { PublishWatermark } from './publish-watermarks/publish-watermark.handler.js'
import { WatermarkLoop, type WatermarkObserver } from './publish-watermarks/watermark-loop.adapter.js'
import { TRANSPORT } from './revoke/revoke.consumer.js'
import { RevocationModule } from './revocation.module.js'
import { ExpiryStore } from './store/expiry.store.js'
import { FeedKeyStore } from './store/feed-key.store.js'
import { FeedLoopStore } from './store/feed-loop.store.js'
import { FeedTopicStore } from './store/feed-topic.store.js'
import { openRevocationDatabase, serviceName as name } from './store/revocation-database.adapter.js'

/**
 * The revocation service on a platform: its schema is migrated, its feed key exists and its outbox is being published when this resolves. It needs
 * PostgreSQL to come up, and not Kafka.
 */
export const compose: Compose = async (platform) => {
  const database = await openRevocationDatabase(platform, platform.bus.publisher)
  const feedTopic = new FeedTopicStore(topics.revocations.name)
  const signer = await prepared(platform, database, feedTopic).catch(async (error: unknown) => {
    await database.close()
    throw error
  })
  const watermarks = watermarkLoop(platform, database, feedTopic, signer)
  const expiry = new ExpireRevocations(database, new ExpiryStore(), platform.log)
  watermarks.start()
  expiry.start()
  return {
    name, transport: TRANSPORT, worksWithoutBus: true, routes: routes.filter(({ service }) => service === name), module: RevocationModule.on(platform, { database, signer, topics: feedTopic }),
    unready: () => database.ping().then(() => undefined, () => 'the database does not answer'),
    close: async () => {
      await Promise.all([watermarks.close(), expiry.close()])
      await database.close()
    },
  }
}

async function prepared({ secrets }: Platform, database: Database, feedTopic: FeedTopicStore): Promise<FeedSigner> {
  await database.transactEverywhere((tx) => feedTopic.begin(tx, topics.revocations.partitions))
  return openFeedSigner(database, new FeedKeyStore(), secrets)
}

function watermarkLoop(platform: Platform, database: Database, feedTopic: FeedTopicStore, signer: FeedSigner): WatermarkLoop {
  const { bus, log, watermarkIntervalMs } = platform
  const { topic } = feedTopic
  const follow = new FollowTopic(topic, database, feedTopic, bus.feed, signer, log)
  const turns = new PublishWatermark(topic, database, new FeedLoopStore(), follow, bus.publisher, signer, { id: randomUUID(), holdMs: holdMs(watermarkIntervalMs) })
  return new WatermarkLoop(turns, watermarkIntervalMs, observer(platform), log)
}

/** What `gateway stale` alerts are explained by. */
function observer({ metrics }: Platform): WatermarkObserver {
  const at = new Gauge({ name: 'curfew_watermark_timestamp_ms', help: 'The last watermark this instance published, by the primary\'s clock; 0 while others do.', registers: [metrics] })
  const failures = new Counter({ name: 'curfew_watermark_failures_total', help: 'Turns of the watermark loop that ended without one.', registers: [metrics] })
  return { advanced: (watermark) => at.set(watermark), failed: () => failures.inc() }
}
