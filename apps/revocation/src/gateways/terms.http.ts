import type { feedTerms } from '@curfew/contracts'
import { toIso } from '@curfew/kernel'
import { Database } from '@curfew/persistence'
import { Controller, Get } from '@nestjs/common'
import type { z } from 'zod'
import { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { FeedTopicStore } from '../store/feed-topic.store.js'
import { describe } from './register-gateway.handler.js'

/** What anybody may know who follows the feed without being counted: its topic, its public keys and the primary's clock. It asks for no credentials. */
@Controller()
export class TermsHttp {
  constructor(private readonly database: Database, private readonly topics: FeedTopicStore, private readonly signer: FeedSigner) {}

  @Get('v1/denylist/terms')
  terms(): Promise<z.infer<typeof feedTerms>> {
    return this.database.transactEverywhere(async (tx) => {
      const { keys, ...feed } = describe(this.topics.topic, await this.topics.read(tx), this.signer)
      return { primaryClock: toIso(tx.now), feed: { ...feed, keys: [...keys] } }
    })
  }
}
