/** What a request shows as its credentials. `objection` is why it cannot be taken as one bearer token. */
export type Credentials = { readonly token: string } | { readonly objection: string } | undefined

/** RFC 6750 section 2.1: the token68 form, which is all a header may hold. */
const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/**
 * The bearer token of a request, from its Authorization header and from nowhere else. Undefined when the request shows no credentials at all.
 * Raw header pairs are read, because a parsed view keeps only the first of two Authorization headers and a proxy may have acted on the second.
 */
export function credentialsOf(rawHeaders: readonly string[], url: string): Credentials {
  const given = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization')
  // RFC 6750 section 2: one method for one token; a URL ends up in logs and histories, so a token there is refused, valid or not.
  if (/[?&]access_token(?:=|&|$)/.test(url)) return { objection: 'an access token belongs in the Authorization header, never in a URL' }
  if (given.length > 1) return { objection: 'there is more than one Authorization header' }
  if (given[0] === undefined) return undefined
  const token = bearer.exec(given[0].trim())?.[1]
  return token === undefined ? { objection: 'the Authorization header holds no bearer token' } : { token }
}

/** RFC 6750 section 3: no error code where no credentials were shown. */
export function challenge(error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope', scope?: string): string {
  const parts = ['realm="curfew"', ...(error === undefined ? [] : [`error="${error}"`]), ...(scope === undefined ? [] : [`scope="${scope}"`])]
  return `Bearer ${parts.join(', ')}`
}
