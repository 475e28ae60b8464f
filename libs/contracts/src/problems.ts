/** What a consumer does with a record whose handling ended in this problem: keep it aside, try it again, or wait for a dependency. */
export type OnConsume = 'park' | 'retry' | 'halt'

interface ProblemSpec {
  readonly status: number
  readonly title: string
  readonly onConsume: OnConsume
  readonly retryAfterMs?: number
}
type ProblemCatalogue = Readonly<Record<string, ProblemSpec>>

const rule = (status: number, title: string): ProblemSpec => ({ status, title, onConsume: 'park' })

/** Every error this system answers, by its stable code (API.md). `title` is constant; what happened this time is the detail. */
export const problems = {
  'request.invalid': rule(400, 'The request does not match its schema'),
  'request.too_large': rule(413, 'The request is larger than this endpoint takes'),
  'request.unsupported_media': rule(415, 'The media type is not supported here'),
  'auth.invalid': rule(401, 'Missing, invalid or revoked credentials'),
  'auth.scope': rule(403, 'The credentials lack a scope this call needs'),
  'route.unknown': rule(404, 'There is nothing at this path'),
  'method.not_allowed': rule(405, 'This path does not take this method'),
  'rate.limited': { ...rule(429, 'Too many requests'), onConsume: 'retry', retryAfterMs: 1_000 },
  'internal': { ...rule(500, 'Something went wrong on our side'), onConsume: 'retry' },
  'dependency.unavailable': { ...rule(503, 'A part this call needs is unavailable'), onConsume: 'halt', retryAfterMs: 1_000 },
  'service.overloaded': { ...rule(503, 'The service is saturated'), onConsume: 'retry', retryAfterMs: 500 },
  'denylist.stale': { ...rule(503, 'The denylist is not current enough to answer'), onConsume: 'halt', retryAfterMs: 500 },

  'idempotency.mismatch': rule(422, 'The idempotency key was used with another request'),
  'idempotency.in_progress': { ...rule(409, 'The first request with this idempotency key is still running'), onConsume: 'retry', retryAfterMs: 200 },

  'session.unknown': rule(404, 'Session unknown'),
  'session.superseded': rule(422, 'The authentication is older than a revocation: authenticate again'),
  'session.authenticated_in_future': rule(422, 'The authentication lies in the future'),
  'session.too_old': rule(422, 'The authentication is older than a session may become'),
  'tenant.unknown': rule(404, 'Tenant unknown'),
  'client.unknown': rule(404, 'Client unknown'),
  'client.protected': rule(422, 'This client is managed by configuration'),
  'issuer.unknown': rule(404, 'Issuer unknown'),
  'issuer.taken': rule(422, 'The tenant trusts this issuer under another id'),
  'parent.unknown': rule(422, 'The parent session is unknown or ended'),
  'parent.too_deep': rule(422, 'The session rests on more parents than a token can carry'),

  'revocation.unknown': rule(404, 'Revocation unknown'),
  'revocation.mismatch': rule(422, 'A revocation with this id but another content was decided before'),
  'revocation.too_many_exceptions': rule(422, 'A revocation spares at most 10,000 sessions'),
  'revocation.exceptions_on_absolute': rule(422, 'Sessions, tokens and keys end without exceptions'),
  'cutoff.in_future': rule(422, 'Cutoff lies in the future'),
  'gateway.unknown': rule(404, 'Gateway unknown'),
  'topic.unknown': { ...rule(503, 'The topic does not exist yet'), onConsume: 'halt', retryAfterMs: 5_000 },
  'record.too_large': rule(422, 'The record would exceed its topic\'s size limit'),

  'signal.unknown': rule(404, 'Lifecycle signal unknown'),
  'signal.incomplete': rule(422, 'The signal lacks a detail its kind needs'),
  'signal.mismatch': rule(422, 'A signal with this source and id but another content was received before'),
  'audit.unknown': rule(404, 'Audit event unknown'),

  'event.unreadable': rule(422, 'The record is not a readable CloudEvent'),
  'event.type_unknown': rule(422, 'The event type is not known on this topic'),
  'event.version_unknown': rule(422, 'The event\'s schema version is not known'),
  'event.not_authentic': rule(422, 'The record is not signed by the control plane'),
  'event.invalid': rule(422, 'The event\'s data does not match its schema'),
  'event.mismatch': rule(422, 'An event with this source and id but another content was recorded before'),

  'token.missing': rule(401, 'No access token'),
  'token.malformed': rule(401, 'The access token cannot be read'),
  'token.signature': rule(401, 'The access token\'s signature is not valid'),
  'token.issuer': rule(401, 'The access token\'s issuer is not trusted here'),
  'token.audience': rule(401, 'The access token is meant for another audience'),
  'token.algorithm': rule(401, 'The access token\'s algorithm is not allowed'),
  'token.expired': rule(401, 'The access token has expired'),
  'token.not_yet_valid': rule(401, 'The access token is not valid yet'),
  'token.too_old': rule(401, 'The access token or its session is too old'),
  'session.revoked': rule(401, 'The session has ended'),
  'gateway.stale': { ...rule(503, 'The gateway\'s denylist is too old to decide'), onConsume: 'halt', retryAfterMs: 1_000 },
  'gateway.not_ready': { ...rule(503, 'The gateway is starting'), onConsume: 'halt', retryAfterMs: 1_000 },
  'gateway.no_route': rule(404, 'No route for this request'),
  'gateway.upgrade_unsupported': rule(501, 'The gateway does not switch protocols yet'),
  'gateway.upstream_down': { ...rule(502, 'The upstream cannot be reached'), onConsume: 'retry' },
  'gateway.upstream_timeout': { ...rule(504, 'The upstream did not answer in time'), onConsume: 'retry' },
} as const satisfies ProblemCatalogue

export type ProblemCode = keyof typeof problems
export const problemSpec = (code: ProblemCode): ProblemSpec => problems[code]

/** One bad member: where (RFC 6901 pointer into the body, or `?name` for a query parameter) and what is wrong with it. */
export interface FieldError {
  readonly pointer: string
  readonly message: string
}

export interface FaultDetails {
  /** Said to the caller. Never holds a secret, and never the cause. */
  readonly detail?: string
  readonly errors?: readonly FieldError[]
  readonly retryAfterMs?: number
}

/** An expected failure from the catalogue, thrown by handlers and rendered at the rim. `cause` stays in the logs. */
export class Fault extends Error {
  override name = 'Fault'
  constructor(readonly code: ProblemCode, readonly details: FaultDetails = {}, options?: ErrorOptions) {
    super(details.detail ?? problems[code].title, options)
  }
  get status(): number {
    return problems[this.code].status
  }
  get onConsume(): OnConsume {
    return problems[this.code].onConsume
  }
  get retryAfterMs(): number | undefined {
    return this.details.retryAfterMs ?? problemSpec(this.code).retryAfterMs
  }
}

/** Where the page of a problem is published; docs/reference/problems.md is generated from this catalogue. */
export const problemType = (code: ProblemCode): string => `https://curfew.dev/problems/${code}`

export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  readonly instance?: string
  readonly errors?: readonly FieldError[]
}

/** The RFC 9457 document of a fault. `instance` is the URN of the request. */
export function problemDocument(fault: Fault, instance?: string): ProblemDocument {
  const { detail, errors } = fault.details
  return {
    type: problemType(fault.code), title: problems[fault.code].title, status: fault.status, code: fault.code,
    ...(detail === undefined ? {} : { detail }),
    ...(instance === undefined ? {} : { instance }),
    ...(errors === undefined ? {} : { errors }),
  }
}
