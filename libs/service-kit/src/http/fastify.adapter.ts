import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { readForm, readOAuthForm } from '../accept/form-text.js'
import { maxBodyBytes, readJsonBody } from '../accept/json-text.js'
import { answerProblem, type ProblemContext } from '../problems/problem.http.js'
import { requestIdOf } from './request-id.js'
import { templateOf, type MountedRoute } from './routing.js'

/** A request must have arrived whole by then: a peer that trickles bytes holds a connection no longer. */
const receiveMs = 60_000
const headersMs = 20_000
/** Longer than the usual 60 s of load balancers, so that it is they who close an idle connection and no request meets a closing one. */
const keepAliveMs = 75_000

/** The adapter under the application, and the table of what was mounted on it. */
export interface HttpServer {
  readonly adapter: FastifyAdapter
  readonly instance: FastifyInstance
  readonly routes: readonly MountedRoute[]
}

export function httpServer(problems: Omit<ProblemContext, 'allowedMethods'>, allowed: ProblemContext['allowedMethods']): HttpServer {
  const context = { ...problems, allowedMethods: allowed }
  const adapter = new FastifyAdapter({
    logger: false, bodyLimit: maxBodyBytes, requestTimeout: receiveMs, keepAliveTimeout: keepAliveMs,
    http: { headersTimeout: headersMs, requestTimeout: receiveMs },
    requestIdHeader: false, genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']),
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 1_024, querystringParser: (text: string) => readForm(text) as Record<string, string | string[]> },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      addAnswerHeaders(request, reply)
      answerProblem(error, request, reply, context)
    },
    clientErrorHandler: refuseUnreadable,
  })
  const instance = adapter.getInstance() as unknown as FastifyInstance
  const routes: MountedRoute[] = []
  instance.addHook('onRoute', ({ method, url }) => void routes.push(...[method].flat().map((each) => ({ method: each, path: templateOf(url) }))))
  instance.addHook('onRequest', (request, reply, done) => {
    addAnswerHeaders(request, reply)
    done()
  })
  addParsers(instance)
  return { adapter, instance, routes }
}

/** What every answer carries. Answers of the API belong to their caller and are kept nowhere. */
function addAnswerHeaders(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff')
  if (/^\/(?:v1|oauth2)\//.test(request.raw.url ?? '')) void reply.header('cache-control', 'no-store')
}

// JSON everywhere, the CloudEvents spellings of it included; forms only where OAuth prescribes them. Any other type is 415.
function addParsers(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers()
  const parse = <T>(read: (bytes: Buffer) => T) => (_: FastifyRequest, body: Buffer, done: (error: Error | null, value?: T) => void): void => {
    try {
      done(null, read(body))
    } catch (error) {
      done(error as Error)
    }
  }
  instance.addContentTypeParser(['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json'], { parseAs: 'buffer' }, parse(readJsonBody))
  instance.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer', bodyLimit: 65_536 }, (request, body: Buffer, done) =>
    (request.raw.url?.startsWith('/oauth2/')
      ? parse((bytes) => readOAuthForm(bytes.toString('utf8')))(request, body, done)
      : done(Object.assign(new Error('forms are not taken here'), { statusCode: 415 }))))
}

const unreadable: Readonly<Record<string, [number, string, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'the request\'s headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'the request did not arrive in time'],
}

/** Bytes that are no HTTP request: there is no request to answer, only a connection to say it on and to close. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, phrase, detail] = unreadable[error.code ?? ''] ?? [400, 'Bad Request', 'the request is not readable HTTP']
  const body = JSON.stringify({ type: 'https://curfew.dev/problems/request.invalid', title: 'The request does not match its schema', status, code: 'request.invalid', detail })
  socket.end(`HTTP/1.1 ${status} ${phrase}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}
