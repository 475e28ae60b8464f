import { Database } from '@curfew/persistence'
import { platformProviders, type Platform } from '@curfew/service-kit'
import type { DynamicModule } from '@nestjs/common'
import { BootstrapClient } from './clients/bootstrap-client.js'
import { ClientsHandler } from './clients/clients.handler.js'
import { ClientsHttp } from './clients/clients.http.js'
import { EndSessionsHandler } from './end-sessions/end-sessions.handler.js'
import { FollowRevocationsConsumer } from './follow-revocations/follow-revocations.consumer.js'
import { Grounds } from './issue-session/grounds.handler.js'
import { IssueSessionHandler } from './issue-session/issue-session.handler.js'
import { IssueSessionHttp } from './issue-session/issue-session.http.js'
import { Liveness } from './issue-session/liveness.handler.js'
import { IssuersHttp } from './issuers/issuers.http.js'
import { JwksHttp } from './keys/jwks.http.js'
import { KeyRing } from './keys/key-ring.js'
import { ReplaceKeyHandler } from './keys/replace-key.handler.js'
import type { SigningKeys } from './keys/signing-keys.js'
import { SigningKeyring } from './keys/signing-keys.handler.js'
import { TokenMinter } from './keys/token-minter.js'
import { ListSessionsHttp } from './list-sessions/list-sessions.http.js'
import { SessionEvents } from './session-events/session-events.adapter.js'
import { ShowSessionHttp } from './show-session/show-session.http.js'
import { ClientStore } from './store/client.store.js'
import { CutoffStore } from './store/cutoff.store.js'
import { EndingStore } from './store/ending.store.js'
import { IssuerStore } from './store/issuer.store.js'
import { SessionStore } from './store/session.store.js'
import { SigningKeyStore } from './store/signing-key.store.js'
import { ClientAuthentication } from './token-endpoint/client-authentication.handler.js'
import { FailedAttempts } from './token-endpoint/failed-attempts.adapter.js'
import { TokenEndpointHttp } from './token-endpoint/token-endpoint.http.js'

/** Issues sessions and tokens, keeps the inventory, and knows the clients and issuers of each tenant. */
export class SessionModule {
  static on(platform: Platform, database: Database, keys: SigningKeys): DynamicModule {
    const { issuer, audience, accessTokenSeconds: lifetimeSeconds, secrets, bootstrapClient, tenants } = platform
    const ring = new KeyRing(keys)
    return {
      module: SessionModule,
      controllers: [IssueSessionHttp, ListSessionsHttp, ShowSessionHttp, FollowRevocationsConsumer, ClientsHttp, IssuersHttp, TokenEndpointHttp, JwksHttp],
      providers: [
        ...platformProviders(platform), { provide: Database, useValue: database }, { provide: KeyRing, useValue: ring },
        { provide: TokenMinter, useValue: new TokenMinter(ring, { issuer, audience, lifetimeSeconds }, secrets) },
        { provide: BootstrapClient, useValue: new BootstrapClient(bootstrapClient, tenants, keys.since) },
        SessionStore, IssuerStore, ClientStore, CutoffStore, EndingStore, SigningKeyStore, SessionEvents,
        Grounds, Liveness, IssueSessionHandler, EndSessionsHandler, SigningKeyring, ReplaceKeyHandler, ClientsHandler, ClientAuthentication, FailedAttempts,
      ],
    }
  }
}
