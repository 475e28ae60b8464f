import { Fault } from '@curfew/contracts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Pool, type Dispatcher } from 'undici'
import { returnedHeaders } from './forwarded-headers.js'

export interface UpstreamOptions {
  readonly url: string
  /** For a connection to be accepted, and for an answer to begin. */
  readonly timeoutMs: number
}

/** Sockets to the upstream, opened as they are needed. Each open stream of events holds one; requests past them wait for one to be free. */
const maxSockets = 1_024
/** Requests under way at once, those waiting for a socket included. Past it they are refused with 503 `service.overloaded`. */
const maxUnderWay = 4_096
const maxHeaderSize = 65_536

/** Sends requests to the one upstream and their answers back, both streaming, each as slow as its slower end. */
export class Upstream {
  /** The path that is put before each request's. */
  readonly prefix: string
  private readonly pool: Pool
  private underWay = 0

  constructor({ url, timeoutMs }: UpstreamOptions) {
    const { origin, pathname } = new URL(url)
    this.prefix = pathname.replace(/\/$/, '')
    this.pool = new Pool(origin, {
      connections: maxSockets, pipelining: 1, headersTimeout: timeoutMs, connect: { timeout: timeoutMs }, maxHeaderSize,
      // Server-sent events may be silent for as long as they like; TCP keep-alive notices when nobody is there any more.
      bodyTimeout: 0,
    })
  }

  /**
   * Resolves when the answer was passed on whole, or was cut because either end went away. Rejects with a Fault while nothing of the
   * answer has been passed on. A client that leaves ends the upstream's work.
   */
  async forward(request: IncomingMessage, response: ServerResponse, path: string, headers: string[]): Promise<void> {
    if (this.underWay >= maxUnderWay) throw new Fault('service.overloaded')
    this.underWay += 1
    const leaving = new AbortController()
    const onClose = (): void => leaving.abort()
    response.once('close', onClose)
    try {
      await this.attempts({ method: request.method as Dispatcher.HttpMethod, path, headers, signal: leaving.signal, body: hasBody(request) ? request : null }, response)
    } catch (error) {
      // Too late for an answer of ours: the client sees the connection end, which is what happened.
      if (response.headersSent || response.destroyed) response.destroy()
      else throw faultOf(error)
    } finally {
      response.off('close', onClose)
      this.underWay -= 1
    }
  }

  private async attempts(options: Dispatcher.RequestOptions, response: ServerResponse): Promise<void> {
    try {
      await this.attempt(options, response)
    } catch (error) {
      // RFC 9110 section 9.2.2: a kept connection may be closed by the upstream as we write to it; what changes nothing may be asked again, once.
      if (response.headersSent || response.destroyed || !isSafe(options) || !wasCut(error)) throw error
      await this.attempt(options, response)
    }
  }

  private async attempt(options: Dispatcher.RequestOptions, response: ServerResponse): Promise<void> {
    await this.pool.stream({ ...options, responseHeaders: 'raw' }, ({ statusCode, headers }) => {
      response.writeHead(statusCode, returnedHeaders(headers as unknown as string[]))
      // With the first part of the body where there is one at hand, else alone: who opened a stream of events must learn that it is open.
      setImmediate(() => response.flushHeaders())
      return response
    })
  }

  /** Lets nothing more begin, and cuts what is under way. */
  async close(): Promise<void> {
    await this.pool.destroy()
  }
}

// RFC 9112 section 6.3: a request has a body if and only if one of these says so.
const hasBody = ({ headers }: IncomingMessage): boolean => headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const isSafe = ({ method, body }: Dispatcher.RequestOptions): boolean => body === null && ['GET', 'HEAD', 'OPTIONS'].includes(method)

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? ''
const wasCut = (error: unknown): boolean => ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error))

function faultOf(error: unknown): Fault {
  switch (codeOf(error)) {
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT': return new Fault('gateway.upstream_timeout', {}, { cause: error })
    // Only what cannot be sent at all, such as a path with a space in it.
    case 'UND_ERR_INVALID_ARG': return new Fault('request.invalid', { detail: 'the request cannot be passed on' }, { cause: error })
    default: return new Fault('gateway.upstream_down', {}, { cause: error })
  }
}
