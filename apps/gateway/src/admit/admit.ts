import { Fault, type ProblemCode } from '@curfew/contracts'
import type { FollowedFeed } from '@curfew/feed'
import { isRefused, type AccessTokenClaims } from '@curfew/tokens'
import { readCredentials } from './read-credentials.js'
import type { VerifiedTokens } from './verified-tokens.js'

/** What is decided about one request: it goes on with these claims, or it is refused with a problem of the catalogue. */
export type Decision =
  | { readonly kind: 'admitted'; readonly claims: AccessTokenClaims; readonly isBrowser: boolean }
  | { readonly kind: 'refused'; readonly fault: Fault; readonly isBrowser: boolean }

export interface AdmitBy {
  readonly cookieName: string
  readonly tokens: Pick<VerifiedTokens, 'verify'>
  readonly feed: Pick<FollowedFeed, 'verdictOn'>
  /** Whether this gateway has been ready once: before, it cannot tell a good token from a bad one, and says so rather than 401. */
  readonly hasBeenReady: () => boolean
}

/** Judges a request by its raw headers. No I/O on the common path: a token that was seen lately is remembered, the verdict is in memory. */
export async function admit(rawHeaders: readonly string[], by: AdmitBy): Promise<Decision> {
  const credentials = readCredentials(rawHeaders, by.cookieName)
  const { isBrowser } = credentials
  const refused = (code: ProblemCode, detail?: string): Decision => ({ kind: 'refused', fault: new Fault(code, detail === undefined ? {} : { detail }), isBrowser })
  if (!by.hasBeenReady()) return refused('gateway.not_ready')
  if (credentials.kind === 'none') return refused('token.missing')
  if (credentials.kind === 'ambiguous') return refused('token.malformed', credentials.why)
  const outcome = await by.tokens.verify(credentials.token)
  if (isRefused(outcome)) return refused(outcome.code, outcome.detail)
  switch (by.feed.verdictOn(outcome.facts)) {
    case 'allowed': return { kind: 'admitted', claims: outcome.claims, isBrowser }
    // Never which scope: a client learns that it ended, not whom else it concerns.
    case 'revoked': return refused('session.revoked')
    case 'stale': return refused('gateway.stale')
  }
}
