import { context, isSpanContextValid, SpanStatusCode, type Context, type Span } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Histogram, type Registry } from 'prom-client'
import { callerOfRequest } from '../access/access.http.js'
import type { ServiceLog } from '../injected.js'
import { startServerSpan } from '../telemetry/telemetry.adapter.js'
import { callingClient } from './limited.http.js'
import { templateOf } from './routing.js'

/** From half a millisecond, what a cached answer takes, to the minute that a caller may wait for a revocation. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]
const durationName = 'curfew_http_request_duration_seconds'
/** Asked every few seconds by machines: they would bury what people look for. */
const isRoutine = (route: string): boolean => ['/livez', '/readyz', '/metrics'].includes(route)

/** The pattern of the route that a request met. Raw URLs hold names and ids, so they enter no log, metric or span (I12). */
export const routeOf = (request: FastifyRequest): string => (request.is404 ? 'unmatched' : templateOf(request.routeOptions.url ?? 'unmatched'))

/** Every request is one span, one histogram sample and one line in the access log. */
export function observeRequests(instance: FastifyInstance, { metrics, log }: { readonly metrics: Registry; readonly log: ServiceLog }): void {
  // A registry outlives the server where one is stopped and started again on the same platform.
  const duration = metrics.getSingleMetric(durationName) as Histogram | undefined ?? new Histogram({
    name: durationName, help: 'Time from the request\'s headers to the end of its answer, by route pattern.',
    labelNames: ['method', 'route', 'status'], buckets, registers: [metrics],
  })
  const open = new WeakMap<FastifyRequest, { readonly span: Span; readonly context: Context }>()
  instance.addHook('onRequest', (request, _, done) => {
    const route = routeOf(request)
    open.set(request, startServerSpan(request.headers, `${request.method} ${route}`, { 'http.request.method': request.method, 'http.route': route, 'curfew.request_id': request.id }))
    done()
  })
  // Reading a body hops through the socket's own asynchronous context, so the trace is entered after it, right before guards and handler run.
  instance.addHook('preHandler', (request, _, done) => {
    const opened = open.get(request)
    if (opened) context.with(opened.context, done)
    else done()
  })
  instance.addHook('onResponse', (request, reply, done) => {
    const [route, status, ms] = [routeOf(request), reply.statusCode, reply.elapsedTime]
    duration.observe({ method: request.method, route, status: String(status) }, ms / 1000)
    const { span } = open.get(request) ?? {}
    span?.setAttribute('http.response.status_code', status)
    if (status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
    const who = callerOfRequest(request) ?? callingClient(request)
    const traced = span?.spanContext()
    const fields = {
      requestId: request.id, method: request.method, route, status, ms: Math.round(ms * 10) / 10,
      ...(who && { client: who.clientId, tenant: who.tenant }), ...(traced && isSpanContextValid(traced) && { traceId: traced.traceId }), ...(!reply.raw.writableFinished && { aborted: true }),
    }
    log[isRoutine(route) ? 'debug' : 'info'](fields, 'request')
    done()
  })
}
