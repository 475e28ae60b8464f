import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compose as composeAudit } from '@curfew/audit'
import { inProcessBus } from '@curfew/bus'
import { topicCatalogue } from '@curfew/contracts'
import { composeGateway, startDemoUpstream } from '@curfew/gateway'
import { systemClock, type Secret } from '@curfew/kernel'
import { compose as composeLifecycle } from '@curfew/lifecycle'
import { startEmbeddedPostgres, tableLogStore } from '@curfew/persistence'
import { compose as composeRevocation } from '@curfew/revocation'
import { LocalMemory, openPlatform, startServices, startTelemetry, type Ending, type Platform, type ServiceDefinition } from '@curfew/service-kit'
import { compose as composeSession } from '@curfew/session'
import type { Logger } from 'pino'
import type { Addresses } from './banner.js'
import type { StandaloneConfig } from './config.js'
import { credentialsFile, keptCredentials, keptRootSecret, type Credentials } from './credentials.adapter.js'

export interface EmbeddedProfileOptions {
  readonly config: StandaloneConfig
  readonly log: Logger
  /** Everything that is started is added here as soon as it stands, so that a failed start leaves nothing behind. */
  readonly ending: Ending
  /** One short sentence a step, for the person who waits. */
  readonly say: (step: string) => void
}

/** The whole of Curfew in this process: it resolves once everything is ready, with where it is. */
export async function startEmbeddedProfile({ config, log, ending, say }: EmbeddedProfileOptions): Promise<Addresses> {
  const { dataDir, host, ports } = config
  const controlPlane = `http://${reachable(host)}:${ports.controlPlane}`
  await mkdir(dataDir, { recursive: true, mode: 0o711 })
  const telemetry = startTelemetry({ service: 'standalone', ...(config.otlpUrl === undefined ? {} : { otlpUrl: config.otlpUrl }) })
  ending.add('traces', () => telemetry.close())
  const databaseUrl = config.databaseUrl?.reveal() ?? (await ownPostgres(dataDir, ending, log, say))
  const credentials = await keptCredentials(dataDir)
  const rootSecret = config.rootSecret ?? (await keptRootSecret(dataDir))

  say('opening the log')
  const store = await tableLogStore({ url: databaseUrl, clock: systemClock })
  ending.add('the log', () => store.close())
  const bus = inProcessBus({ store, clock: systemClock, log })
  ending.add('the message bus', () => bus.close())
  await bus.topics.apply(topicCatalogue)

  say('starting the four services')
  const { platform, close } = openPlatform({
    settings: { ...settingsOf(config, credentials, rootSecret), sessionUrl: controlPlane, revocationUrl: controlPlane },
    databaseUrl, clock: systemClock, log, bus, memory: new LocalMemory(systemClock), followsFeed: true,
  })
  ending.add('the platform', close)
  const definitions = await composed(platform)
  const services = await startServices({ definitions, platform, host, port: ports.controlPlane }).catch(portTaken('CURFEW_HTTP_PORT', ports.controlPlane))
  ending.add('the services', () => services.close())

  say('starting the gateway')
  const upstreamUrl = config.upstreamUrl ?? (await ownUpstream(ending))
  const gateway = await composeGateway({ config: gatewayConfig(config, credentials, controlPlane, upstreamUrl), bus, clock: systemClock, log })
    .catch(portTaken('CURFEW_GATEWAY_PORT and CURFEW_GATEWAY_ADMIN_PORT', `${ports.gateway}, ${ports.gatewayAdmin}`))
  ending.add('the gateway', () => gateway.close())
  await ready(controlPlane, () => gateway.isReady(), say)
  return { controlPlane, gateway: `http://${reachable(host)}:${ports.gateway}`, gatewayAdmin: `http://${reachable(host)}:${ports.gatewayAdmin}`, credentialsFile: credentialsFile(dataDir), dataDir }
}

async function ownPostgres(dataDir: string, ending: Ending, log: Logger, say: (step: string) => void): Promise<string> {
  say('starting PostgreSQL')
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log: (line) => log.debug({ line }, 'postgres') })
  let isWanted = true
  ending.add('PostgreSQL', () => {
    isWanted = false
    return postgres.stop()
  })
  void postgres.exited.then(() => (isWanted ? ending.fail(new Error('PostgreSQL ended by itself'), 'the database is gone; start again to recover') : undefined))
  return postgres.url
}

async function ownUpstream(ending: Ending): Promise<string> {
  const upstream = await startDemoUpstream({ host: '127.0.0.1', port: 0 })
  ending.add('the demo upstream', () => upstream.close())
  return upstream.url
}

/** All four at once; if one fails the others are closed again. */
async function composed(platform: Platform): Promise<ServiceDefinition[]> {
  const outcomes = await Promise.allSettled([composeSession, composeRevocation, composeLifecycle, composeAudit].map((compose) => compose(platform)))
  const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (!failed) return made
  await Promise.allSettled(made.map((definition) => definition.close()))
  throw failed.reason as Error
}

const settingsOf = (config: StandaloneConfig, { clientId, clientSecret }: Credentials, rootSecret: Secret) => ({
  issuer: config.issuer, audience: config.audience, tenants: config.tenants, maxSessionAgeMs: config.maxSessionAgeMs, accessTokenSeconds: config.accessTokenSeconds,
  clockSkewMs: config.clockSkewMs, watermarkIntervalMs: config.watermarkIntervalMs, stalenessBudgetMs: config.stalenessBudgetMs, ratePerMinute: config.ratePerMinute,
  bootstrapClient: { id: clientId, secret: clientSecret }, rootSecret,
})

const gatewayConfig = (config: StandaloneConfig, { clientId, clientSecret }: Credentials, controlPlane: string, upstreamUrl: string) => ({
  host: config.host, port: config.ports.gateway, adminPort: config.ports.gatewayAdmin, gatewayId: 'embedded', upstreamUrl, upstreamTimeoutMs: 60_000, trustForwarded: false,
  cookieName: config.cookieName, budgetMs: config.stalenessBudgetMs, sessionUrl: controlPlane, revocationUrl: controlPlane, clientId, clientSecret,
  issuer: config.issuer, audience: config.audience, maxSessionAgeMs: config.maxSessionAgeMs, drainMs: 5_000,
})

/** An address to call where one to listen on was given. */
const reachable = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host)

const portTaken = (variable: string, port: number | string) => (error: NodeJS.ErrnoException): never => {
  if (error.code !== 'EADDRINUSE') throw error
  throw new Error(`port ${port} is in use by another program; stop that one, or choose another by ${variable}`, { cause: error })
}

/** A minute: a first start on a busy machine migrates five schemas and waits for a first watermark. */
const readyWithinMs = 60_000

async function ready(controlPlane: string, gatewayIsReady: () => boolean, say: (step: string) => void): Promise<void> {
  say('catching up')
  const deadline = performance.now() + readyWithinMs
  for (let reasons = 'the gateway is catching up'; ; ) {
    const answer = await fetch(`${controlPlane}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    if (answer && !answer.ok) reasons = (await answer.text()).slice(0, 2_000)
    else await answer?.arrayBuffer()
    if (answer?.ok && gatewayIsReady()) return
    if (performance.now() > deadline) throw new Error(`not ready after ${readyWithinMs / 1_000} s: ${reasons}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

