import { tokenResponse } from '@curfew/contracts'
import type { Clock, Secret } from '@curfew/kernel'
import { exchange, read } from './feed-home.http.js'

export interface ClientCredentialsOptions {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly clock: Pick<Clock, 'monotonicMs'>
}

/** A token is not used in the last fifth of its life: a request under way, and a clock a little off, must not outlive it. */
const usableShare = 0.8

/**
 * Access tokens by client credentials (RFC 6749 section 4.4), each used until shortly before it expires. Whoever asks while one is being
 * fetched gets the same one. Rejects with a Fault while none can be had, and tries anew at the next call.
 */
export function clientCredentials(options: ClientCredentialsOptions): (refused?: string) => Promise<string> {
  const { tokenUrl, clientId, clientSecret, clock } = options
  let held: { token: string; until: number } | undefined
  let flight: Promise<string> | undefined
  // RFC 6749 section 2.3.1: both parts are form-encoded before they become Basic credentials.
  const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
  const fetchToken = async (): Promise<string> => {
    const basic = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret.reveal())}`).toString('base64')
    const sentAt = clock.monotonicMs()
    const answer = read(tokenResponse, await exchange({ method: 'POST', url: new URL(tokenUrl), authorization: `Basic ${basic}`, form: { grant_type: 'client_credentials' } }))
    held = { token: answer.access_token, until: sentAt + answer.expires_in * 1000 * usableShare }
    return held.token
  }
  return (refused) => {
    if (held !== undefined && (held.token === refused || clock.monotonicMs() >= held.until)) held = undefined
    if (held !== undefined) return Promise.resolve(held.token)
    flight ??= fetchToken().finally(() => (flight = undefined))
    return flight
  }
}
