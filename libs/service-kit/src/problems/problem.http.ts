import { Fault, problemDocument } from '@curfew/contracts'
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { throwError, type Observable } from 'rxjs'
import type { ServiceLog } from '../injected.js'
import { requestUri } from '../http/request-id.js'
import { oauthError, speaksOAuth } from './oauth-error.js'
import { faultOf } from './fault-of.js'

/** What the filter needs to know of the server it answers for. */
export interface ProblemContext {
  readonly log: ServiceLog
  /** The methods that the path of a request takes, for `Allow`; none when nothing is mounted there. */
  allowedMethods(path: string): readonly string[]
}

/** The one filter: every error leaves as problem+json (RFC 9457), or by RFC 6749 on OAuth endpoints; on topics it passes through as it is. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly context: ProblemContext) {}

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> | void {
    // The bus decides by the original error what becomes of the record.
    if (host.getType() === 'rpc') return throwError(() => thrown)
    const http = host.switchToHttp()
    answerProblem(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.context)
  }
}

/** Answers a request with the problem behind what was thrown; it does nothing when an answer is already on its way. */
export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, context: ProblemContext): void {
  const meant = faultOf(thrown)
  const fault = request.is404 && meant.code === 'route.unknown' ? unrouted(request, reply, context) : meant
  if (fault.status >= 500) logFailure(fault, request, context.log)
  if (reply.sent || reply.raw.headersSent) return
  if (fault.retryAfterMs !== undefined && fault.status !== 500) void reply.header('retry-after', Math.max(1, Math.ceil(fault.retryAfterMs / 1000)))
  const isOAuth = speaksOAuth(pathOf(request))
  // RFC 6749 section 5.2: a client that came by HTTP Basic is told to.
  if (isOAuth && fault.status === 401 && request.headers.authorization !== undefined) void reply.header('www-authenticate', 'Basic realm="curfew"')
  void reply.status(fault.status).type(isOAuth ? 'application/json' : 'application/problem+json')
    .send(JSON.stringify(isOAuth ? oauthError(fault) : problemDocument(fault, requestUri(request.id))))
}

function unrouted(request: FastifyRequest, reply: FastifyReply, context: ProblemContext): Fault {
  const allowed = context.allowedMethods(pathOf(request))
  if (allowed.length === 0) return new Fault('route.unknown')
  void reply.header('allow', allowed.join(', '))
  return new Fault('method.not_allowed')
}

const pathOf = (request: FastifyRequest): string => (request.raw.url ?? '/').split('?', 1)[0] ?? '/'

function logFailure(fault: Fault, request: FastifyRequest, log: ServiceLog): void {
  const fields = { requestId: request.id, method: request.method, route: request.routeOptions.url, code: fault.code, err: fault.cause ?? fault }
  if (fault.code === 'internal') log.error(fields, 'a request failed on an unexpected error')
  else log.warn(fields, 'a request was refused')
}
