import type { MessageBus } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import { clientCredentials, followFeed, httpFeedHome, type FollowedFeed } from '@curfew/feed'
import type { TokenFacts } from '@curfew/denylist'
import type { Clock, Secret, TenantId } from '@curfew/kernel'
import { createTokenVerifier, isRefused, type TokenVerifier } from '@curfew/tokens'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { derivedSecrets } from '../derived-secrets.js'
import { CallerVerdicts, type Platform } from '../service.js'
import type { SharedMemory } from '../shared-memory.js'
import { remoteKeys, type RemoteKeys } from './jwks.http.js'

/** The deployment's settings as the platform takes them; `ServiceConfig` is one. */
export interface PlatformSettings {
  readonly issuer: string
  readonly audience: string
  readonly tenants: readonly TenantId[]
  readonly maxSessionAgeMs: number
  readonly accessTokenSeconds: number
  readonly clockSkewMs: number
  readonly watermarkIntervalMs: number
  readonly stalenessBudgetMs: number
  readonly ratePerMinute: number
  readonly bootstrapClient: { readonly id: string; readonly secret: Secret }
  readonly rootSecret: Secret
  readonly sessionUrl: string
  readonly revocationUrl: string
}

export interface PlatformParts {
  readonly settings: PlatformSettings
  readonly databaseUrl: string
  readonly clock: Clock
  readonly log: Logger
  readonly bus: MessageBus
  readonly memory: SharedMemory
  /** Whether callers are judged by the feed. The revocation service alone judges them by its database, so that it works without Kafka. */
  readonly followsFeed: boolean
  /** How long the feed may gather before callers are judged by it, ms; absent where the service decides more by it than who calls. */
  readonly gatherMs?: number
}

export interface OpenPlatform {
  readonly platform: Platform
  /** Ends what the platform itself started. The bus, the memory and the log are their maker's. */
  close(): Promise<void>
}

/** Our own tokens are ES256 alone; a minute covers every honest clock difference between our own machines. */
const leewaySeconds = 5
/** Forgetting counts on it (I8): no token of ours lives longer than its configured maximum of an hour. */
const maxTokenAgeMs = 3_600_000

/** Makes the platform of a process from its parts, in either profile. It waits for nobody: what is not there yet shows in `unready`. */
export function openPlatform(parts: PlatformParts): OpenPlatform {
  const { settings, clock, log, bus } = parts
  const metrics = new Registry()
  collectDefaultMetrics({ register: metrics })
  const keys = remoteKeys({ url: `${settings.sessionUrl}/.well-known/jwks.json`, clock, log })
  const feed = parts.followsFeed ? followCallers(parts, metrics) : undefined
  const { issuer, audience, tenants, maxSessionAgeMs, accessTokenSeconds, clockSkewMs, watermarkIntervalMs, ratePerMinute, bootstrapClient } = settings
  const platform: Platform = {
    clock, bus, log, metrics, memory: parts.memory, databaseUrl: parts.databaseUrl, issuer, audience, tenants, maxSessionAgeMs, accessTokenSeconds, clockSkewMs,
    watermarkIntervalMs, ratePerMinute, bootstrapClient, tokens: accessTokenVerifier(settings, keys, clock), callers: new FeedVerdicts(feed), authenticityOf: (record) => feed?.authenticityOf(record) ?? 'unknown',
    secrets: derivedSecrets(settings.rootSecret), unready: () => keys.unready() ?? feedReason(feed),
  }
  return { platform, close: async () => {
    keys.close()
    await feed?.close()
  } }
}

function followCallers({ settings, clock, log, bus, gatherMs }: PlatformParts, metrics: Registry): FollowedFeed {
  const { id, secret } = settings.bootstrapClient
  const token = clientCredentials({ tokenUrl: `${settings.sessionUrl}/oauth2/token`, clientId: id, clientSecret: secret, clock })
  const feed = followFeed({ home: httpFeedHome({ url: settings.revocationUrl, token }), reader: bus.feed, clock, log, budgetMs: settings.stalenessBudgetMs, ...(gatherMs === undefined ? {} : { gatherMs }) })
  const gauge = (name: string, help: string, value: () => number): Gauge => new Gauge({ name, help, registers: [metrics], collect() { this.set(value()) } })
  gauge('curfew_caller_denylist_staleness_ms', 'How old the verdict on a caller may be; +Inf before the first watermark.', () => feed.stalenessMs())
  gauge('curfew_caller_denylist_entries', 'Entries of the denylist that callers are judged by.', () => feed.entries())
  return feed
}

function feedReason(feed: FollowedFeed | undefined): string | undefined {
  if (feed === undefined || feed.isReady) return undefined
  return `the denylist of callers is not ready: ${feed.status().unready ?? 'it is catching up'}`
}

/** Verdicts of a followed feed; without one every answer is 'stale'. */
class FeedVerdicts extends CallerVerdicts {
  constructor(private readonly feed: FollowedFeed | undefined) {
    super()
  }

  verdictOn(facts: TokenFacts): Promise<'allowed' | 'revoked' | 'stale'> {
    return Promise.resolve(this.feed?.verdictOn(facts) ?? 'stale')
  }
}

function accessTokenVerifier({ issuer, audience, maxSessionAgeMs }: PlatformSettings, keys: RemoteKeys, clock: Clock): TokenVerifier {
  const verifier = createTokenVerifier({
    issuers: [{ issuer, audience, keys: keys.source, tenants: 'every' }], algorithms: ['ES256'], clock, leewaySeconds, maxTokenAgeMs, maxSessionAgeMs,
  })
  return {
    verify: async (token) => {
      const outcome = await verifier.verify(token)
      // Without keys no signature can be judged: that is our trouble, not the caller's.
      if (isRefused(outcome) && outcome.code === 'token.signature' && keys.unready() !== undefined) throw new Fault('dependency.unavailable', { detail: 'the signing keys cannot be had yet' })
      return outcome
    },
  }
}
