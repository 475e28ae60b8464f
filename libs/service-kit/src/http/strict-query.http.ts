import { Fault, type RouteSpec } from '@curfew/contracts'
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import type { Observable } from 'rxjs'
import { templateOf } from './routing.js'

/**
 * Refuses query parameters on our own routes that take none by the catalogue; routes with a query schema check theirs with it. It runs after the
 * guards, so a stranger learns nothing about parameters. Standards' endpoints ignore what they do not know.
 */
@Injectable()
export class StrictQuery implements NestInterceptor {
  private readonly takesQuery: ReadonlySet<string>

  constructor(routes: readonly RouteSpec[]) {
    this.takesQuery = new Set(routes.filter(({ query }) => query !== undefined).map(({ method, path }) => `${method} ${path}`))
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() === 'http') this.check(context.switchToHttp().getRequest<FastifyRequest>())
    return next.handle()
  }

  private check(request: FastifyRequest): void {
    const path = templateOf(request.routeOptions.url ?? '')
    const names = Object.keys(request.query as object)
    if (names.length === 0 || !path.startsWith('/v1/') || this.takesQuery.has(`${request.method} ${path}`)) return
    throw new Fault('request.invalid', { errors: names.slice(0, 32).map((name) => ({ pointer: `?${name}`.slice(0, 256), message: 'is not known here' })) })
  }
}
