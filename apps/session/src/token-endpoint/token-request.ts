import { identifier } from '@curfew/contracts'

/** A form as it was decoded: a name given more than once holds all its values. */
export type Form = Readonly<Record<string, string | readonly string[]>>

export interface ClientCredentials {
  readonly clientId: string
  /** What the client may have meant: as the standard decodes it and, where that differs, as it was written. */
  readonly secrets: readonly string[]
}

/** RFC 6749 section 5.2. */
export interface TokenRefusal {
  readonly error: 'invalid_request' | 'invalid_client' | 'unsupported_grant_type' | 'invalid_scope'
  readonly description: string
}

export interface TokenRequest extends ClientCredentials {
  /** Undefined when the request narrows nothing. */
  readonly scope: string | undefined
}

const refusal = (error: TokenRefusal['error'], description: string): TokenRefusal => ({ error, description })
export const isRefusal = <T extends object>(outcome: T | TokenRefusal): outcome is TokenRefusal => 'error' in outcome

/** Reads a request for client credentials, authenticated in the header or in the body and never in both (RFC 6749 section 2.3). */
export function readTokenRequest(authorization: string | undefined, form: Form): TokenRequest | TokenRefusal {
  const repeated = Object.keys(form).find((name) => Array.isArray(form[name]))
  if (repeated !== undefined) return refusal('invalid_request', 'a parameter is given more than once')
  // Section 3.2: a parameter sent without a value is treated as if it were omitted.
  const value = (name: string): string | undefined => (form[name] as string | undefined) || undefined
  const grantType = value('grant_type')
  if (grantType === undefined) return refusal('invalid_request', 'grant_type is missing')
  if (grantType !== 'client_credentials') return refusal('unsupported_grant_type', 'this endpoint issues tokens for client_credentials')
  const credentials = readCredentials(authorization, value('client_id'), value('client_secret'))
  if (isRefusal(credentials)) return credentials
  return clientName.safeParse(credentials.clientId).success ? { ...credentials, scope: value('scope') } : refusal('invalid_client', 'no client has such an id')
}

const clientName = identifier()

function readCredentials(authorization: string | undefined, clientId: string | undefined, clientSecret: string | undefined): ClientCredentials | TokenRefusal {
  if (authorization === undefined) {
    return clientId === undefined || clientSecret === undefined ? refusal('invalid_client', 'the client did not authenticate') : { clientId, secrets: [clientSecret] }
  }
  if (clientSecret !== undefined) return refusal('invalid_request', 'the client authenticates in the header or in the body, not in both')
  const basic = readBasic(authorization)
  if (basic === undefined) return refusal('invalid_client', 'the Authorization header is not readable as Basic credentials')
  return clientId === undefined || clientId === basic.clientId ? basic : refusal('invalid_request', 'the header and the body name different clients')
}

/** RFC 7617 with the encoding of RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined. */
function readBasic(authorization: string): ClientCredentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const clientId = formDecoded(text.slice(0, colon))
  const written = text.slice(colon + 1)
  if (!clientId || written === '') return undefined
  const decoded = formDecoded(written)
  // Many clients (curl among them) join the two without encoding; a secret holding `+` or `%` is theirs as it stands.
  return { clientId, secrets: decoded === undefined || decoded === written ? [written] : [decoded, written] }
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
