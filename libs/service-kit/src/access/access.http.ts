import { Fault, holdsScope, type AccessScope, type Caller } from '@curfew/contracts'
import { assert, type TenantId } from '@curfew/kernel'
import { isRefused, type Verified } from '@curfew/tokens'
import { applyDecorators, createParamDecorator, Injectable, SetMetadata, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ServiceSettings } from '../injected.js'
import { CallerVerdicts } from '../service.js'
import { AccessTokens } from './access-tokens.js'
import { challenge, credentialsOf } from './bearer.js'
import { callerOf } from './caller.js'

/** A caller whose tenant is one of this deployment's. */
export type KnownCaller = Caller & { readonly tenant: TenantId }

const neededScope = Symbol('curfew.access')
const sufficientScopes = Symbol('curfew.access.instead')
const callers = new WeakMap<FastifyRequest, KnownCaller>()

/** Establishes the caller of a request and refuses one that may not make it: see `Access`. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly tokens: AccessTokens, private readonly verdicts: CallerVerdicts, private readonly settings: ServiceSettings) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>()
    const reply = context.switchToHttp().getResponse<FastifyReply>()
    const scope = Reflect.getMetadata(neededScope, context.getHandler()) as AccessScope
    const { claims, facts } = await this.verified(request, reply)
    const caller = callerOf(claims, tenantNamed(request), this.settings.tenants)
    const verdict = await this.verdicts.verdictOn(facts)
    if (verdict === 'stale') throw new Fault('denylist.stale')
    if (verdict === 'revoked') throw unauthorised(reply, challenge('invalid_token'))
    const instead = Reflect.getMetadata(sufficientScopes, context.getHandler()) as readonly AccessScope[]
    if (![scope, ...instead].some((each) => holdsScope(caller.scopes, each))) throw forbidden(reply, scope)
    callers.set(request, caller)
    return true
  }

  private async verified(request: FastifyRequest, reply: FastifyReply): Promise<Verified> {
    const credentials = credentialsOf(request.raw.rawHeaders, request.raw.url ?? '')
    if (credentials === undefined) throw unauthorised(reply, challenge(), 'the request carries no access token')
    if ('objection' in credentials) throw unauthorised(reply, challenge('invalid_request'), credentials.objection)
    const outcome = await this.tokens.verify(credentials.token)
    // The verifier's details name what is wrong with the token and never quote it.
    if (isRefused(outcome)) throw unauthorised(reply, challenge('invalid_token'), `the access token is not accepted: ${outcome.detail}`)
    return outcome
  }
}

function unauthorised(reply: FastifyReply, authenticate: string, detail?: string): Fault {
  void reply.header('www-authenticate', authenticate)
  return new Fault('auth.invalid', detail === undefined ? {} : { detail })
}

function forbidden(reply: FastifyReply, scope: AccessScope): Fault {
  void reply.header('www-authenticate', challenge('insufficient_scope', scope))
  return new Fault('auth.scope', { detail: `the call needs the scope ${scope}` })
}

function tenantNamed(request: FastifyRequest): string | undefined {
  const named = request.headers['curfew-tenant']
  return named === undefined ? undefined : String(named)
}

/**
 * The call needs a bearer token of this deployment that holds `scope` (or `admin`), belongs to a configured tenant and was not revoked.
 * The guard is made in the controller's own module, so it asks that module's `CallerVerdicts`. A scope named in `instead` opens the call as well; what the
 * caller may then ask for, the method decides by what it is asked.
 */
export const Access = (scope: AccessScope, ...instead: readonly AccessScope[]): MethodDecorator =>
  applyDecorators(SetMetadata(neededScope, scope), SetMetadata(sufficientScopes, instead), UseGuards(AccessGuard)) as MethodDecorator

/** The scope a controller's method asks for, as `Access` declared it. */
export const scopeNeededBy = (handler: object): AccessScope | undefined => Reflect.getMetadata(neededScope, handler) as AccessScope | undefined

/** The caller of a request that passed `Access`, if it did. */
export const callerOfRequest = (request: FastifyRequest): KnownCaller | undefined => callers.get(request)

/** The `KnownCaller` of this request; only on methods that have `Access`. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): KnownCaller => {
  const caller = callers.get(context.switchToHttp().getRequest<FastifyRequest>())
  assert(caller, 'CurrentCaller is used on a method without Access')
  return caller
})
