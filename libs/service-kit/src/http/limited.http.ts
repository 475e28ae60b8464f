import { Fault } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { isRefused } from '@curfew/tokens'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessTokens } from '../access/access-tokens.js'
import { credentialsOf } from '../access/bearer.js'
import type { SharedMemory } from '../shared-memory.js'
import { HitCounter } from './hit-counter.js'
import { isExceeded, rateHeaders, rateKey, windowMs } from './rate-limit.js'
import { templateOf } from './routing.js'

interface Client {
  readonly tenant: string
  readonly clientId: string
}

const clients = new WeakMap<FastifyRequest, Client>()

/** The client whose verified token came with a request, whether or not it may make the call. */
export const callingClient = (request: FastifyRequest): Client | undefined => clients.get(request)

export interface Limits {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly tokens: AccessTokens
  readonly memory: SharedMemory
  readonly ratePerMinute: number
  /** The service a route belongs to; undefined for what is never limited: health, metrics and documents. */
  serviceOf(method: string, path: string): string | undefined
}

/** Counts every call before its body is read, per service, and refuses what exceeds the rate: by client, or by address where no token is valid. */
export function limitRequests(instance: FastifyInstance, limits: Limits): void {
  const counter = new HitCounter(limits.memory, limits.clock, windowMs, limits.ratePerMinute)
  instance.addHook('onRequest', async (request, reply) => {
    const service = request.is404 ? 'unmatched' : limits.serviceOf(request.method, templateOf(request.routeOptions.url ?? ''))
    if (service === undefined) return
    const client = await identified(request, limits.tokens)
    if (client) clients.set(request, client)
    const { hits, resetMs } = await counter.hit(rateKey(service, client, request.ip))
    const allowance = { limit: limits.ratePerMinute, hits, resetMs }
    void reply.headers(rateHeaders(allowance))
    if (isExceeded(allowance)) throw new Fault('rate.limited', { retryAfterMs: Math.max(1_000, resetMs) })
  })
}

async function identified(request: FastifyRequest, tokens: AccessTokens): Promise<Client | undefined> {
  const credentials = credentialsOf(request.raw.rawHeaders, request.raw.url ?? '')
  if (credentials === undefined || 'objection' in credentials) return undefined
  try {
    const outcome = await tokens.verify(credentials.token)
    return isRefused(outcome) ? undefined : { tenant: outcome.claims.tenant, clientId: outcome.claims.client_id }
  } catch {
    // The guard meets the same failure and answers it; here the call merely counts as anonymous.
    return undefined
  }
}
