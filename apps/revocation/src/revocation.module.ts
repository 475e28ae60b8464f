import { topics } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { platformProviders, type Platform } from '@curfew/service-kit'
import type { DynamicModule, Provider, Type } from '@nestjs/common'
import { DatabaseCallerVerdicts } from './caller-verdicts/database-caller-verdicts.adapter.js'
import { FeedSigner } from './feed-key/feed-signer.adapter.js'
import { GatewaysHttp } from './gateways/gateways.http.js'
import { RegisterGateway } from './gateways/register-gateway.handler.js'
import { TermsHttp } from './gateways/terms.http.js'
import { ListRevocationsHttp } from './list-revocations/list-revocations.http.js'
import { QuarantineHandler } from './quarantine/quarantine.handler.js'
import { RevokeConsumer } from './revoke/revoke.consumer.js'
import { RevokeHandler, type RevokeRules } from './revoke/revoke.handler.js'
import { KeyedRevoke } from './revoke/keyed-revoke.handler.js'
import { RevokeHttp } from './revoke/revoke.http.js'
import { WaitForPublished } from './revoke/wait-for-published.handler.js'
import { ShowRevocationHttp } from './show-revocation/show-revocation.http.js'
import { BuildSnapshot } from './snapshot/build-snapshot.handler.js'
import { served, SnapshotHttp, SnapshotShelf } from './snapshot/snapshot.http.js'
import { CallerVerdictsStore } from './store/caller-verdicts.store.js'
import { FeedTopicStore } from './store/feed-topic.store.js'
import { GatewaysStore } from './store/gateways.store.js'
import { QuarantinesStore } from './store/quarantines.store.js'
import { RevocationListStore } from './store/revocation-list.store.js'
import { RevocationsStore } from './store/revocations.store.js'
import { SnapshotStore } from './store/snapshot.store.js'

/** What a gateway forgives a token's clock, and hence how much longer an entry has to be kept. */
const leewayMs = 60_000

/** The parts of the service that exist before its module: they were opened, or are shared with the loops. */
export interface Opened {
  readonly database: Database
  readonly signer: FeedSigner
  readonly topics: FeedTopicStore
}

/** The composition root of everything that answers: HTTP and the commands. */
export class RevocationModule {
  static on(platform: Platform, { database, signer, topics: feedTopic }: Opened): DynamicModule {
    const rules: RevokeRules = { defaultIssuer: platform.issuer, limits: { maxSessionAgeMs: platform.maxSessionAgeMs, leewayMs, skewMs: platform.clockSkewMs } }
    const snapshots = new BuildSnapshot(topics.revocations.name, database, new SnapshotStore(), platform.bus.feed, signer)
    const revocations = new RevocationsStore()
    const gateways = new GatewaysStore()
    const revoke = new RevokeHandler(database, revocations, signer, rules, platform.clock)
    return {
      module: RevocationModule,
      controllers: [RevokeHttp, RevokeConsumer, ListRevocationsHttp, ShowRevocationHttp, GatewaysHttp, TermsHttp, SnapshotHttp],
      providers: [
        ...platformProviders(platform, { callers: new DatabaseCallerVerdicts(database, new CallerVerdictsStore()) }),
        { provide: Database, useValue: database },
        ...[
          signer, feedTopic, revocations, gateways, new RevocationListStore(), revoke, new KeyedRevoke(revoke, database, revocations, platform.memory),
          new WaitForPublished(database, revocations), new QuarantineHandler(database, new QuarantinesStore(), signer), new RegisterGateway(database, gateways, feedTopic, signer),
          new SnapshotShelf(async () => served(await snapshots.build()), platform.clock),
        ].map(made),
      ],
    }
  }
}

/** An instance as the provider of its class. */
const made = (instance: object): Provider => ({ provide: instance.constructor as Type, useValue: instance })
