import { problemDocument, problemSpec, type Fault } from '@curfew/contracts'

export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answer to a request that does not go on: RFC 9457, with what RFC 6750 and browsers need. It never says which scope was revoked. */
export function refusalOf(fault: Fault, request: { readonly id: string; readonly isBrowser: boolean; readonly cookieName: string }): Refusal {
  const body = JSON.stringify(problemDocument(fault, `urn:uuid:${request.id}`))
  return {
    status: fault.status, body,
    headers: {
      'content-type': 'application/problem+json', 'content-length': String(Buffer.byteLength(body)), 'cache-control': 'no-store', 'x-request-id': request.id,
      ...challenge(fault),
      ...(fault.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(fault.retryAfterMs / 1000))) }),
      ...(fault.code === 'session.revoked' && request.isBrowser ? forgetting(request.cookieName) : {}),
    },
  }
}

function challenge(fault: Fault): Record<string, string> {
  if (fault.status !== 401) return {}
  // RFC 6750 section 3.1: who sent no credentials at all learns the scheme and nothing else.
  if (fault.code === 'token.missing') return { 'www-authenticate': 'Bearer' }
  return { 'www-authenticate': `Bearer error="invalid_token", error_description="${problemSpec(fault.code).title}"` }
}

// A cookie with one of these prefixes is only ever set, and so only ever expired, as Secure (RFC 6265bis section 4.1.3).
const isSecure = (cookieName: string): boolean => /^__(?:Host|Secure)-/i.test(cookieName)

const forgetting = (cookieName: string): Record<string, string> => ({
  'clear-site-data': '"cookies", "storage"',
  'set-cookie': `${cookieName}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax${isSecure(cookieName) ? '; Secure' : ''}`,
})
