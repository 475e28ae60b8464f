import { Fault, problemDocument } from '@curfew/contracts'
import { randomUUID } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'

export interface AdminOptions {
  /** Undefined when requests may be served, else one sentence. */
  readonly unready: () => string | undefined
  readonly metrics: Registry
}

/** Health and metrics, on a port of their own so that no path of an upstream is taken. Not listening yet. */
export function createAdmin({ unready, metrics }: AdminOptions): Server {
  const json = (response: ServerResponse, status: number, type: string, body: unknown, headers: Record<string, string> = {}): void =>
    void response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers }).end(JSON.stringify(body))
  const problem = (response: ServerResponse, fault: Fault): void =>
    json(response, fault.status, 'application/problem+json', problemDocument(fault, `urn:uuid:${randomUUID()}`), fault.retryAfterMs === undefined ? {} : { 'retry-after': '1' })
  return createServer({ maxHeaderSize: 16_384, headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]
    if (path !== '/livez' && path !== '/readyz' && path !== '/metrics') return problem(response, new Fault('route.unknown'))
    if (request.method !== 'GET' && request.method !== 'HEAD') return problem(response, new Fault('method.not_allowed'))
    if (path === '/livez') return json(response, 200, 'application/json', { status: 'alive' })
    if (path === '/readyz') {
      const detail = unready()
      return detail === undefined ? json(response, 200, 'application/json', { status: 'ready' }) : problem(response, new Fault('gateway.not_ready', { detail }))
    }
    metrics.metrics().then((text) => void response.writeHead(200, { 'content-type': metrics.contentType }).end(text), () => problem(response, new Fault('internal')))
  })
}
