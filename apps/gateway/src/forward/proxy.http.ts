import { Fault } from '@curfew/contracts'
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Decision } from '../admit/admit.js'
import { refusalOf } from '../admit/refusal.js'
import { forwardedHeaders } from './forwarded-headers.js'
import { targetOf } from './target.js'
import type { Upstream } from './upstream.http.js'

export interface ProxyOptions {
  readonly admit: (rawHeaders: readonly string[]) => Promise<Decision>
  readonly upstream: Upstream | undefined
  readonly cookieName: string
  readonly trustForwarded: boolean
  /** Told of every request when it is over: what was decided, or `defect`; and how long it took. */
  readonly onDone: (outcome: string, tookMs: number) => void
  /** Told of every failure that is ours or the upstream's. */
  readonly onFailure: (error: unknown, requestId: string) => void
  readonly monotonicMs: () => number
}

/** An access token may have 16 KiB; as much again is for everything else. Larger headers are answered 431. */
const maxHeaderSize = 32_768
/** Headers come in one go; who takes longer holds a socket for nothing. Answered 408. */
const headersTimeoutMs = 15_000
/** A body may take as long as it likes, but not be silent: the connection is cut. */
const bodySilenceMs = 60_000
/** Connections at once. More wait in the listen queue of the system, or are closed by it. */
const maxConnections = 10_000
/** A body up to this is read away so that its connection can be used again; with a larger one the refusal ends the connection. */
const drainableBytes = 262_144

/** The reverse proxy: every request is judged, and goes on or is told why not. Not listening yet. */
export function createProxy(options: ProxyOptions): Server {
  const server = createServer({ maxHeaderSize, headersTimeout: headersTimeoutMs, requestTimeout: 0, keepAliveTimeout: 65_000, keepAlive: true, keepAliveInitialDelay: 60_000 })
  server.maxConnections = maxConnections
  server.on('request', (request, response) => void serve(request, response, options))
  // RFC 9110 section 10.1.1: who waits for leave to send a body gets it once it is admitted, or a refusal instead of it.
  server.on('checkContinue', (request, response) => void serve(request, response, options, () => response.writeContinue()))
  return server
}

async function serve(request: IncomingMessage, response: ServerResponse, options: ProxyOptions, beforeBody?: () => void): Promise<void> {
  const startedAt = options.monotonicMs()
  let outcome = 'defect'
  // Both ends report their failures where they are awaited; without a listener they would end the process.
  response.on('error', () => undefined)
  watchBody(request, response)
  try {
    outcome = await answer(request, response, options, beforeBody)
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      options.onFailure(error, '')
      response.destroy()
    } else refuseWith(new Fault('internal', {}, { cause: error }), false, request, response, options)
  } finally {
    options.onDone(outcome, options.monotonicMs() - startedAt)
  }
}

/** Resolves with the outcome's name: `allowed`, or the code of a problem. */
async function answer(request: IncomingMessage, response: ServerResponse, options: ProxyOptions, beforeBody?: () => void): Promise<string> {
  const decision = await options.admit(request.rawHeaders)
  if (response.destroyed) return 'client_left'
  const { isBrowser } = decision
  const refuse = (fault: Fault): string => refuseWith(fault, isBrowser, request, response, options)
  if (decision.kind === 'refused') return refuse(decision.fault)
  // WebSockets and other protocols come with the enforcement of open streams; until then nobody is left waiting.
  if (isUpgrade(request)) return refuse(new Fault('gateway.upgrade_unsupported'))
  if (options.upstream === undefined) return refuse(new Fault('gateway.no_route'))
  const target = targetOf(request.url ?? '', options.upstream.prefix)
  if (target === undefined) return refuse(new Fault('request.invalid', { detail: 'the request target is not a path' }))
  const headers = forwardedHeaders(request.rawHeaders, {
    claims: decision.claims, cookieName: options.cookieName, trustForwarded: options.trustForwarded, clientAddress: request.socket.remoteAddress ?? 'unknown',
    isEncrypted: (request.socket as Partial<TLSSocket>).encrypted === true, ...(target.authority === undefined ? {} : { authority: target.authority }),
  })
  try {
    beforeBody?.()
    await options.upstream.forward(request, response, target.path, headers)
    return 'allowed'
  } catch (error) {
    if (error instanceof Fault) return refuse(error)
    throw error
  }
}

// `h2c` is an offer that a server may leave unanswered (curl --http2 makes it); any other upgrade is what the client needs.
const isUpgrade = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade !== undefined && /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? '') && headers.upgrade.trim().toLowerCase() !== 'h2c'

function refuseWith(fault: Fault, isBrowser: boolean, request: IncomingMessage, response: ServerResponse, options: ProxyOptions): string {
  const id = randomUUID()
  if (fault.status >= 500 && fault.cause !== undefined) options.onFailure(fault, id)
  const { status, headers, body } = refusalOf(fault, { id, isBrowser, cookieName: options.cookieName })
  const length = request.headers['content-length']
  const isLarge = request.headers['transfer-encoding'] !== undefined || Number(length ?? 0) > drainableBytes
  response.writeHead(status, { ...headers, ...(isLarge && !request.complete ? { connection: 'close' } : {}) }).end(request.method === 'HEAD' ? undefined : body)
  return fault.code
}

function watchBody(request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => undefined)
  if (request.headers['transfer-encoding'] === undefined && Number(request.headers['content-length'] ?? 0) === 0) return
  request.setTimeout(bodySilenceMs, () => request.destroy())
  // Once the answer is out, the connection's time is that of an idle one, and not ours to stop.
  request.once('end', () => {
    if (!response.writableFinished) request.setTimeout(0)
  })
}
