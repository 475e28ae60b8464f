import type { BusRecord, MessageBus } from '@curfew/bus'
import type { Authenticity } from '@curfew/feed'
import type { RouteSpec } from '@curfew/contracts'
import type { TokenFacts } from '@curfew/denylist'
import type { Clock, Secret, TenantId } from '@curfew/kernel'
import type { TokenVerifier } from '@curfew/tokens'
import type { DynamicModule } from '@nestjs/common'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { DerivedSecrets } from './derived-secrets.js'
import type { SharedMemory } from './shared-memory.js'

/** Whether a caller's own token still holds. A feed follower answers at once; the revocation service asks its database. */
export abstract class CallerVerdicts {
  abstract verdictOn(facts: TokenFacts): Promise<'allowed' | 'revoked' | 'stale'>
}

/** What a process gives each service that it runs. The embedded profile gives the same one to all four. */
export interface Platform {
  readonly clock: Clock
  readonly bus: MessageBus
  readonly memory: SharedMemory
  readonly log: Logger
  readonly metrics: Registry
  readonly tokens: TokenVerifier
  /** Follows the feed; absent answers are 'stale'. A service that can ask its database brings its own. */
  readonly callers: CallerVerdicts
  /** Whether the control plane wrote a record of `curfew.revocations.v1`: every service that consumes it is protected by it, without asking. */
  authenticityOf(record: BusRecord): Authenticity
  /** Why the process as a whole is not ready, apart from its services and the bus; undefined when it is. Asked by `/readyz`. */
  unready?(): string | undefined
  readonly secrets: DerivedSecrets
  readonly databaseUrl: string
  readonly issuer: string
  readonly audience: string
  readonly tenants: readonly TenantId[]
  readonly maxSessionAgeMs: number
  readonly accessTokenSeconds: number
  readonly clockSkewMs: number
  readonly watermarkIntervalMs: number
  readonly ratePerMinute: number
  readonly bootstrapClient: { readonly id: string; readonly secret: Secret }
}

/** One service, ready to be mounted: its Nest module, and what the process has to know around it. */
export interface ServiceDefinition {
  readonly name: 'session' | 'revocation' | 'lifecycle' | 'audit'
  /** Controllers and their providers. Each service is one module; nothing is global, so two services in one process keep apart. */
  readonly module: DynamicModule
  /** The `transportId` of the service's `@EventPattern` handlers; they read as group `curfew.<name>`. Absent when it consumes nothing. */
  readonly transport?: symbol
  /** How long its records may gather, ms, where it keeps books and nobody waits for it: the records that somebody waits for then find a free machine. */
  readonly gatherMs?: number
  readonly routes: readonly RouteSpec[]
  /** What it is there for goes on while the bus is away, so an absent bus does not make it unready: nobody should withdraw it then. */
  readonly worksWithoutBus?: boolean
  /** Undefined when ready, else one sentence. Asked by `/readyz`. */
  unready(): Promise<string | undefined> | string | undefined
  /** After the server stopped taking requests and the consumers drained. */
  close(): Promise<void>
}

export type Compose = (platform: Platform) => Promise<ServiceDefinition>
