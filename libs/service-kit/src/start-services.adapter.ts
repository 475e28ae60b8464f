import type { RouteSpec } from '@curfew/contracts'
import { Module, type LoggerService } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { MicroserviceOptions } from '@nestjs/microservices'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyInstance } from 'fastify'
import { accessTokensOf } from './access/access-tokens.js'
import { BusTransport } from './consume/bus-transport.consumer.js'
import { ConsumerMetrics } from './consume/consumer-metrics.adapter.js'
import { addDocuments } from './documents/documents.http.js'
import { addHealth } from './health/health.http.js'
import { Drain } from './http/drain.http.js'
import { httpServer } from './http/fastify.adapter.js'
import { limitRequests } from './http/limited.http.js'
import { mountedRoutes } from './http/mounted-routes.http.js'
import { observeRequests } from './http/observed.http.js'
import { allowedMethods, routeDifferences } from './http/routing.js'
import { StrictQuery } from './http/strict-query.http.js'
import type { ServiceLog } from './injected.js'
import { ProblemFilter } from './problems/problem.http.js'
import type { Platform, ServiceDefinition } from './service.js'

export interface StartServicesOptions {
  readonly definitions: readonly ServiceDefinition[]
  readonly platform: Platform
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** How long running requests may still take when the process is told to end. Default 10 s. */
  readonly drainMs?: number
}

export interface RunningServices {
  /** Where it listens: `http://127.0.0.1:8710`. */
  readonly url: string
  /** For what has to be mounted beside the services, and for tests. */
  readonly instance: FastifyInstance
  /** Stops being ready, finishes running requests, drains the consumers, then closes the definitions. The platform's parts are the caller's. */
  close(): Promise<void>
}

class Services {}
Module({})(Services)

/**
 * Serves one or several services as one Nest application on one port. It listens as soon as the modules are made; consumers and whatever else a
 * service waits for come up behind it and show in `/readyz`. Refuses to start when mounted routes and catalogue differ.
 */
export async function startServices(options: StartServicesOptions): Promise<RunningServices> {
  const { definitions, platform, host, port } = options
  const log = platform.log
  const specs = definitions.flatMap(({ routes }) => routes)
  const server = httpServer({ log }, (path) => allowedMethods(server.routes, path))
  const { instance } = server
  const drain = new Drain(instance)
  observeRequests(instance, { metrics: platform.metrics, log })
  limitRequests(instance, { clock: platform.clock, tokens: accessTokensOf(platform.tokens, platform.clock), memory: platform.memory, ratePerMinute: platform.ratePerMinute, serviceOf: serviceOf(specs) })

  const app = await NestFactory.create<NestFastifyApplication>({ module: Services, imports: definitions.map(({ module }) => module) }, server.adapter, {
    bodyParser: false, abortOnError: false, forceCloseConnections: false, logger: nestLogger(log),
  })
  app.useGlobalFilters(new ProblemFilter({ log, allowedMethods: (path) => allowedMethods(server.routes, path) }))
  app.useGlobalInterceptors(new StrictQuery(specs))
  const transports = connectTransports(app, definitions, platform)
  addHealth(instance, platform.metrics, {
    'the process': () => (drain.hasBegun ? 'is shutting down' : undefined),
    ...(definitions.every(({ worksWithoutBus }) => worksWithoutBus) ? {} : { 'the message bus': () => platform.bus.ping().then(() => undefined) }),
    'the platform': () => platform.unready?.(),
    ...Object.fromEntries(definitions.map((definition) => [definition.name, () => definition.unready()])),
    ...Object.fromEntries(transports.map(({ name, transport }) => [`the consumer of ${name}`, () => transport.unhealthy()])),
  })
  addDocuments(instance, specs)

  const close = closing({ app, definitions, drain, drainMs: options.drainMs ?? 10_000, log })
  try {
    await app.init()
    const differences = routeDifferences(mountedRoutes(app), specs)
    if (differences.length > 0) throw new Error(`the mounted routes are not those of the catalogue:\n${differences.map((each) => `  ${each}`).join('\n')}`)
    await app.listen(port, host)
    await app.startAllMicroservices()
  } catch (error) {
    await close()
    throw error
  }
  return { url: urlOf(instance, host), instance, close }
}

/** The consumers whose health counts: that of a service which works without the bus is told by its metrics instead. */
function connectTransports(app: NestFastifyApplication, definitions: readonly ServiceDefinition[], platform: Platform): { name: string; transport: BusTransport }[] {
  const metrics = new ConsumerMetrics(platform.metrics)
  return definitions.flatMap(({ name, transport, worksWithoutBus, gatherMs }) => {
    if (transport === undefined) return []
    const strategy = new BusTransport({ service: name, transport, bus: platform.bus, clock: platform.clock, log: platform.log, metrics, authenticityOf: (record) => platform.authenticityOf(record), ...(gatherMs === undefined ? {} : { gatherMs }) })
    app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true })
    return worksWithoutBus ? [] : [{ name, transport: strategy }]
  })
}

/** Health, metrics and documents belong to no service and are never limited; everything under a service's routes is. */
function serviceOf(specs: readonly RouteSpec[]): (method: string, path: string) => string | undefined {
  const byPath = new Map(specs.map(({ path, service }) => [path, service]))
  return (_, path) => byPath.get(path)
}

interface Closing {
  readonly app: NestFastifyApplication
  readonly definitions: readonly ServiceDefinition[]
  readonly drain: Drain
  readonly drainMs: number
  readonly log: ServiceLog
}

function closing({ app, definitions, drain, drainMs, log }: Closing): () => Promise<void> {
  let ended: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await drain.finish(drainMs)
    // Nest closes the server and then the transports, which drain their consumers.
    await app.close()
    const closed = await Promise.allSettled(definitions.map((definition) => definition.close()))
    for (const outcome of closed) if (outcome.status === 'rejected') log.error({ err: outcome.reason as unknown }, 'a service did not close cleanly')
  }
  return () => (ended ??= close())
}

function urlOf(instance: FastifyInstance, host: string): string {
  const address = instance.server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

/** Nest's own words in our log; its start-up narration is for debugging only. */
function nestLogger(log: ServiceLog): LoggerService {
  const context = (rest: readonly unknown[]): object => ({ context: typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined })
  const say = (level: 'debug' | 'warn' | 'error') => (message: unknown, ...rest: unknown[]): void => {
    if (message instanceof Error) log[level]({ ...context(rest), err: message }, message.message)
    else log[level](context(rest), String(message))
  }
  return { log: say('debug'), debug: say('debug'), verbose: say('debug'), warn: say('warn'), error: say('error'), fatal: say('error') }
}
