/** What of a request says who is calling. `isBrowser`: it carried the session cookie. */
export type Credentials =
  | { readonly kind: 'none'; readonly isBrowser: boolean }
  | { readonly kind: 'ambiguous'; readonly isBrowser: boolean; readonly why: string }
  | { readonly kind: 'token'; readonly token: string; readonly isBrowser: boolean }

/**
 * Finds the one access token of a request in its raw headers (name, value, name, value, ...). `Authorization: Bearer` wins over the
 * cookie; another scheme is the upstream's business and counts for nothing here. Two of either are ambiguous: two readers could take
 * different ones.
 */
export function readCredentials(rawHeaders: readonly string[], cookieName: string): Credentials {
  const authorizations = valuesOf(rawHeaders, 'authorization')
  const cookies = valuesOf(rawHeaders, 'cookie').flatMap((header) => cookieValues(header, cookieName))
  const isBrowser = cookies.length > 0
  if (authorizations.length > 1) return { kind: 'ambiguous', isBrowser, why: 'there are several Authorization headers' }
  if (cookies.length > 1) return { kind: 'ambiguous', isBrowser, why: `there are several cookies named ${cookieName}` }
  const bearer = authorizations[0] === undefined ? undefined : bearerOf(authorizations[0])
  const token = bearer ?? cookies[0]
  return token === undefined ? { kind: 'none', isBrowser } : { kind: 'token', token, isBrowser }
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const found: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if ((rawHeaders[at] as string).toLowerCase() === name) found.push(rawHeaders[at + 1] as string)
  }
  return found
}

// RFC 9110 section 11.1: the scheme is case-insensitive; whatever follows it is the token, and judged as one.
function bearerOf(authorization: string): string | undefined {
  const match = /^bearer(?:[ \t]+(.*))?$/i.exec(authorization.trim())
  return match === null ? undefined : (match[1] ?? '')
}

// RFC 6265 section 4.2.1: pairs separated by semicolons; names compare exactly.
export function cookieValues(header: string, name: string): string[] {
  const found: string[] = []
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at !== -1 && pair.slice(0, at).trim() === name) found.push(pair.slice(at + 1).trim())
  }
  return found
}

/** A Cookie header without the cookies of this name; undefined when nothing is left of it. */
export function withoutCookie(header: string, name: string): string | undefined {
  const kept = header.split(';').filter((pair) => pair.trim() !== '' && pair.split('=', 1)[0]?.trim() !== name)
  return kept.length === 0 ? undefined : kept.map((pair) => pair.trim()).join('; ')
}
