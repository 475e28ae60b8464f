import { Fault, type ProblemCode } from '@curfew/contracts'

/** RFC 6749 section 5.2 and RFC 8693 section 2.2.2. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unauthorized_client' | 'unsupported_grant_type' | 'invalid_scope'
  | 'invalid_target' | 'temporarily_unavailable' | 'server_error'

/** What a standard's own endpoint answers instead of problem+json. */
export interface OAuthErrorDocument {
  readonly error: OAuthErrorCode
  readonly error_description: string
}

/** A fault of an OAuth endpoint that RFC 6749 gives a name of its own; the catalogue's code decides status, log and metrics. */
export class OAuthFault extends Fault {
  constructor(readonly error: OAuthErrorCode, description: string, options?: ErrorOptions) {
    super(error === 'invalid_client' ? 'auth.invalid' : 'request.invalid', { detail: description }, options)
  }
}

const byCode: Partial<Record<ProblemCode, OAuthErrorCode>> = { 'auth.invalid': 'invalid_client', 'auth.scope': 'invalid_scope', 'tenant.unknown': 'invalid_target' }

/** The RFC 6749 document of any fault. */
export function oauthError(fault: Fault): OAuthErrorDocument {
  const error = fault instanceof OAuthFault ? fault.error : byCode[fault.code] ?? (fault.status < 500 && fault.status !== 429 ? 'invalid_request' : unavailable(fault))
  return { error, error_description: describable(fault.details.detail ?? firstObjection(fault) ?? fault.message) }
}

const unavailable = (fault: Fault): OAuthErrorCode => (fault.status === 500 ? 'server_error' : 'temporarily_unavailable')

function firstObjection(fault: Fault): string | undefined {
  const [first] = fault.details.errors ?? []
  return first && `${first.pointer.replace(/^[/?]/, '')} ${first.message}`.trim()
}

// RFC 6749 section 5.2 allows %x20-21 / %x23-5B / %x5D-7E here.
const describable = (text: string): string => text.replace(/["\\]/g, '\'').replace(/[^\x20-\x7e]/g, '?')

export const speaksOAuth = (path: string): boolean => path.startsWith('/oauth2/')
