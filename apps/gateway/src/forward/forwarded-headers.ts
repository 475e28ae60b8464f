import type { AccessTokenClaims } from '@curfew/tokens'
import { withoutCookie } from '../admit/read-credentials.js'
import { identityHeaders } from './identity-headers.js'

// RFC 9110 section 7.6.1: these mean one connection, not the message. `http2-settings` comes with an upgrade nobody takes (RFC 9113 section 3.1).
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'])

/** Headers of one message that end here: the known ones and whatever its Connection header names. */
function endingHere(rawHeaders: readonly string[]): ReadonlySet<string> {
  const named = new Set(hopByHop)
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if ((rawHeaders[at] as string).toLowerCase() !== 'connection') continue
    for (const option of (rawHeaders[at + 1] as string).split(',')) named.add(option.trim().toLowerCase())
  }
  return named
}

export interface ForwardBy {
  readonly claims: AccessTokenClaims
  readonly cookieName: string
  readonly clientAddress: string
  readonly isEncrypted: boolean
  readonly trustForwarded: boolean
  /** In place of the Host header, where the request line names an authority (RFC 9112 section 3.2.2). */
  readonly authority?: string
}

// Some servers take `X_Curfew_Subject` for `X-Curfew-Subject`: what a client must not say it must not say in that spelling either.
const plainName = (name: string): string => name.toLowerCase().replaceAll('_', '-')
const isOurs = (plain: string): boolean => plain.startsWith('x-curfew-')
const isForwarding = (plain: string): boolean => plain.startsWith('x-forwarded-') || plain === 'forwarded' || plain === 'x-real-ip'

/** The request's headers as the upstream gets them (name, value, name, value): everything end-to-end, who is calling, and how they came. */
export function forwardedHeaders(rawHeaders: readonly string[], by: ForwardBy): string[] {
  const ending = endingHere(rawHeaders)
  const kept: string[] = []
  const came: Record<'for' | 'proto' | 'host', string | undefined> = { for: undefined, proto: undefined, host: undefined }
  let host = by.authority
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    const value = rawHeaders[at + 1] as string
    const lower = name.toLowerCase()
    const plain = plainName(name)
    if (lower === 'host') host ??= value
    // The gateway answers `Expect` itself.
    else if (ending.has(lower) || isOurs(plain) || lower === 'expect') continue
    else if (isForwarding(plain)) rememberForwarding(lower, value, by.trustForwarded, came, kept)
    else if (lower === 'cookie') pushCookie(kept, value, by.cookieName)
    else kept.push(name, value)
  }
  if (host !== undefined) kept.push('host', host)
  kept.push('x-forwarded-for', came.for === undefined ? by.clientAddress : `${came.for}, ${by.clientAddress}`)
  kept.push('x-forwarded-proto', came.proto ?? (by.isEncrypted ? 'https' : 'http'))
  if (came.host !== undefined || host !== undefined) kept.push('x-forwarded-host', (came.host ?? host) as string)
  kept.push('via', '1.1 curfew', ...identityHeaders(by.claims))
  return kept
}

function rememberForwarding(lower: string, value: string, isTrusted: boolean, came: Record<'for' | 'proto' | 'host', string | undefined>, kept: string[]): void {
  if (!isTrusted) return
  const part = /^x-forwarded-(for|proto|host)$/.exec(lower)?.[1] as keyof typeof came | undefined
  if (part === undefined) kept.push(lower, value)
  else came[part] = part === 'for' && came.for !== undefined ? `${came.for}, ${value}` : value
}

// The upstream learns who is calling from headers it can trust; the session's credential is not its business.
function pushCookie(kept: string[], value: string, cookieName: string): void {
  const rest = withoutCookie(value, cookieName)
  if (rest !== undefined) kept.push('cookie', rest)
}

/** The answer's headers as the client gets them: everything end-to-end, in order and with repeats. */
export function returnedHeaders(rawHeaders: readonly string[]): string[] {
  const ending = endingHere(rawHeaders)
  const kept: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!ending.has((rawHeaders[at] as string).toLowerCase())) kept.push(rawHeaders[at] as string, rawHeaders[at + 1] as string)
  }
  return kept
}
