import type { MessageBus } from '@curfew/bus'
import { clientCredentials, followFeed, httpFeedHome, type FeedLog, type FeedTerms } from '@curfew/feed'
import type { Clock } from '@curfew/kernel'
import { createTokenVerifier, jwksKeySource } from '@curfew/tokens'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { admit } from './admit/admit.js'
import { VerifiedTokens } from './admit/verified-tokens.js'
import { createAdmin } from './admin.http.js'
import type { GatewayConfig } from './config.js'
import { createProxy } from './forward/proxy.http.js'
import { Upstream } from './forward/upstream.http.js'
import { IssuerKeys } from './keys.http.js'
import { gatewayMetrics } from './metrics.adapter.js'

export type { GatewayConfig } from './config.js'
export { startDemoUpstream, type DemoUpstream } from './demo-upstream.http.js'

export interface GatewayDeps {
  readonly config: GatewayConfig
  /** Only read from, and not closed here. */
  readonly bus: Pick<MessageBus, 'feed'>
  readonly clock: Clock
  readonly log: FeedLog
}

export interface RunningGateway {
  readonly proxyUrl: string
  readonly adminUrl: string
  isReady(): boolean
  /** Takes no new request, lets those under way finish for a while, leaves the fleet and stops. The same promise however often it is called. */
  close(): Promise<void>
}

/** Between the clocks of the machines that mint and that verify; NTP holds servers far closer. */
const leewaySeconds = 5
/** No access token of ours lives longer; whoever configures more than a day no longer has short-lived tokens. */
const maxTokenAgeMs = 86_400_000
/** How often a stranger with invented key ids can make this gateway ask for keys. */
const keyCooldownMs = 5_000
const keyMaxAgeMs = 60_000
const keyRetryMs = 500
const version = '0.1.0'

/** A gateway that listens: it answers 503 `gateway.not_ready` until its denylist has caught up, and refuses past its budget. Rejects when a port is taken. */
export async function composeGateway({ config, bus, clock, log }: GatewayDeps): Promise<RunningGateway> {
  const { sessionUrl, revocationUrl, clientId, clientSecret, gatewayId, budgetMs } = config
  const token = clientCredentials({ tokenUrl: `${sessionUrl}/oauth2/token`, clientId, clientSecret, clock })
  const control = httpFeedHome({ url: revocationUrl, token, gateway: { id: gatewayId, registration: { version, budgetMs, posture: 'deny', recordVersions: { 'curfew.revocation.decided': 1 } } } })
  const keys = new IssuerKeys({ url: `${sessionUrl}/.well-known/jwks.json`, onChange: () => tokens.clear() })
  const tokens: VerifiedTokens = new VerifiedTokens({ clock, leewayMs: leewaySeconds * 1000, verifier: createTokenVerifier({
    issuers: [{ issuer: config.issuer, audience: config.audience, tenants: 'every', keys: jwksKeySource(keys.fetch, {
      cooldownMs: keyCooldownMs, maxAgeMs: keyMaxAgeMs, clock, onError: (error) => log.warn({ err: error }, 'the issuer\'s keys could not be read'),
    }) }],
    algorithms: ['ES256'], clock, leewaySeconds, maxTokenAgeMs, maxSessionAgeMs: config.maxSessionAgeMs,
  }) })
  const upstream = config.upstreamUrl === undefined ? undefined : new Upstream({ url: config.upstreamUrl, timeoutMs: config.upstreamTimeoutMs })
  const ending = new AbortController()
  let hasJoined = false
  let settleBound = (_error?: unknown): void => undefined
  const bound = new Promise<void>((resolve, reject) => (settleBound = (error) => (error === undefined ? resolve() : reject(error))))
  const join = async (): Promise<FeedTerms> => {
    // Never before the ports are ours: a second process with this one's name would take over its registration, and delete it on its way out.
    await bound
    hasJoined = true
    return control.join()
  }
  const feed = followFeed({ home: { join, snapshot: (signal) => control.snapshot(signal) }, reader: bus.feed, clock, log, budgetMs })
  const metrics = gatewayMetrics(feed, tokens)

  const unready = (): string | undefined => {
    if (ending.signal.aborted) return 'the gateway is stopping'
    return keys.areKnown ? feed.status().unready : 'the issuer\'s keys are not known yet'
  }
  let hasCaughtUp = false
  const by = { cookieName: config.cookieName, tokens, feed, hasBeenReady: () => hasCaughtUp && keys.areKnown }
  const proxy = createProxy({
    admit: (rawHeaders) => admit(rawHeaders, by), upstream, cookieName: config.cookieName, trustForwarded: config.trustForwarded, onDone: metrics.onDone,
    onFailure: (error, requestId) => log.warn({ err: error, requestId }, 'a request failed'), monotonicMs: () => clock.monotonicMs(),
  })
  const admin = createAdmin({ unready, metrics: metrics.registry })
  const warming = fetchKeysAhead(keys, log, ending.signal)

  const stop = async (): Promise<void> => {
    ending.abort()
    await drain(proxy, config.drainMs)
    // Only now, since whoever leaves the fleet is no longer waited for.
    await feed.close()
    if (hasJoined) await control.leave().catch((error: unknown) => log.warn({ err: error }, 'the control plane was not told that this gateway leaves; its lease will run out'))
    await Promise.all([upstream?.close(), drain(admin, 0), warming])
    log.info({ gatewayId }, 'the gateway stopped')
  }
  let stopping: Promise<void> | undefined
  const close = (): Promise<void> => (stopping ??= stop())
  try {
    const proxyUrl = await listen(proxy, config.port, config.host)
    const adminUrl = await listen(admin, config.adminPort, config.host)
    settleBound()
    log.info({ gatewayId, proxyUrl, adminUrl }, 'the gateway listens; it serves once its denylist has caught up')
    void feed.whenReady().then(() => {
      hasCaughtUp = true
      log.info({ gatewayId, entries: feed.entries() }, 'the denylist has caught up')
    }, () => undefined)
    return { proxyUrl, adminUrl, isReady: () => unready() === undefined, close }
  } catch (error) {
    settleBound(error)
    await close()
    throw error
  }
}

async function fetchKeysAhead(keys: IssuerKeys, log: FeedLog, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !keys.areKnown) {
    try {
      await keys.fetchAhead()
    } catch (error) {
      log.warn({ err: error }, 'the issuer\'s keys could not be read yet; trying again')
      await sleep(keyRetryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

async function listen(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host)
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}

/** Stops accepting, ends idle connections, and cuts the others when the time is up. */
async function drain(server: Server, withinMs: number): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  // A connection becomes idle when its last answer is out, which is later than now for those under way.
  const ending = setInterval(() => server.closeIdleConnections(), 50)
  const cutting = setTimeout(() => server.closeAllConnections(), withinMs)
  await closed
  clearInterval(ending)
  clearTimeout(cutting)
}
