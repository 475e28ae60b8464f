import { Fault, feedTerms, gatewayLease, readInstant, type GatewayRegistration } from '@curfew/contracts'
import type { Dispatcher } from 'undici'
import { request } from 'undici'
import type { FeedHome, FeedTerms, SignedSnapshot } from './terms.js'

export interface HttpFeedHomeOptions {
  /** Where the revocation service answers. */
  readonly url: string
  /** An access token with scope `gateway`. Called with the token that was just refused, it must not answer with that one again. */
  readonly token: (refused?: string) => Promise<string>
  /** With it, joining registers a gateway; without, it only reads the terms. */
  readonly gateway?: { readonly id: string; readonly registration: GatewayRegistration }
}

export interface HttpFeedHome extends FeedHome {
  /** A registered gateway leaves the fleet: nobody waits for it any more. Nothing to do where none is registered. */
  leave(): Promise<void>
}

/** Terms hold a handful of keys; a megabyte is a hundred times what they need. */
const maxTermsBytes = 1_048_576
/** Ten million entries in JSON, and still below the longest text V8 can hold. */
const maxSnapshotBytes = 512 * 1_048_576
/** A third of the shortest lease one would configure; the control plane answers in milliseconds or is not there. */
const answerWithinMs = 5_000
/** The control plane reads every live revocation before the first byte; silence this long means that the connection is dead. */
const snapshotSilenceMs = 60_000
const snapshotWithinMs = 600_000

/** The control plane over HTTP. Bounded in size and time; every failure is a Fault that names the call and never a secret. */
export function httpFeedHome(options: HttpFeedHomeOptions): HttpFeedHome {
  const { url, gateway } = options
  const ask = (method: Dispatcher.HttpMethod, path: string, more: Partial<Ask> = {}): Promise<Answer> =>
    askAuthorised({ method, url: new URL(path, url), ...more }, options.token)
  const path = gateway === undefined ? undefined : `/v1/gateways/${encodeURIComponent(gateway.id)}`
  return {
    join: async () => {
      if (path === undefined) return termsOf(read(feedTerms, await exchange({ method: 'GET', url: new URL('/v1/denylist/terms', url) })))
      return leaseTermsOf(read(gatewayLease, await ask('PUT', path, { json: gateway?.registration })))
    },
    snapshot: async (signal): Promise<SignedSnapshot> => {
      const answer = await ask('GET', '/v1/denylist/snapshot', {
        maxBytes: maxSnapshotBytes, silenceMs: snapshotSilenceMs, withinMs: snapshotWithinMs, ...(signal === undefined ? {} : { signal }),
      })
      return { body: answer.body, etag: answer.header('etag') ?? '', signature: answer.header('curfew-signature') }
    },
    leave: async () => {
      if (path !== undefined) await ask('DELETE', path)
    },
  }
}

const termsOf = ({ primaryClock, feed }: ReturnType<typeof feedTerms.parse>): FeedTerms =>
  ({ primary: readInstant(primaryClock), since: readInstant(primaryClock), ...feed })

const leaseTermsOf = ({ primaryClock, registeredAt, leaseMs, budgetMs, feed }: ReturnType<typeof gatewayLease.parse>): FeedTerms =>
  ({ primary: readInstant(primaryClock), since: readInstant(registeredAt), leaseMs, budgetMs, ...feed })

interface Ask {
  readonly method: Dispatcher.HttpMethod
  readonly url: URL
  readonly authorization?: string
  readonly json?: unknown
  readonly maxBytes?: number
  readonly silenceMs?: number
  readonly withinMs?: number
  readonly signal?: AbortSignal
}

interface Answer {
  readonly what: string
  readonly body: Buffer
  header(name: string): string | undefined
}

async function askAuthorised(ask: Ask, token: HttpFeedHomeOptions['token']): Promise<Answer> {
  const first = await token()
  try {
    return await exchange({ ...ask, authorization: `Bearer ${first}` })
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'auth.invalid')) throw error
    // The token may have outlived its keys: one with a new one is worth one more try.
    return exchange({ ...ask, authorization: `Bearer ${await token(first)}` })
  }
}

/** One request, answered with 2xx and within its bounds, or a Fault. */
export async function exchange(ask: Ask & { readonly form?: Readonly<Record<string, string>> }): Promise<Answer> {
  const { method, url, authorization, json, form, maxBytes = maxTermsBytes, silenceMs = answerWithinMs, withinMs = answerWithinMs, signal } = ask
  const what = `${method} ${url.origin}${url.pathname}`
  const content = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const sent = form === undefined ? (json === undefined ? undefined : JSON.stringify(json)) : new URLSearchParams(form).toString()
  try {
    const answer = await request(url, {
      method, headersTimeout: silenceMs, bodyTimeout: silenceMs, signal: AbortSignal.any([AbortSignal.timeout(withinMs), ...(signal ? [signal] : [])]),
      headers: { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }), ...(sent === undefined ? {} : { 'content-type': content }) },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const body = await bounded(answer.body, maxBytes, what)
    if (answer.statusCode >= 200 && answer.statusCode < 300) return { what, body, header: (name) => oneOf(answer.headers[name]) }
    throw refusal(answer.statusCode, what)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('dependency.unavailable', { detail: `${what} did not answer` }, { cause: error })
  }
}

function refusal(status: number, what: string): Fault {
  if (status === 401) return new Fault('auth.invalid', { detail: `${what} refused our credentials` })
  if (status === 403) return new Fault('auth.scope', { detail: `${what} needs a scope our credentials lack` })
  return new Fault('dependency.unavailable', { detail: `${what} answered ${status}` })
}

async function bounded(body: Dispatcher.ResponseData['body'], maxBytes: number, what: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    length += part.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (length > maxBytes) throw new Fault('dependency.unavailable', { detail: `${what} answered with more than ${maxBytes} bytes` })
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}

/** What the body says by this schema, or a Fault: an answer that is not understood helps as little as none. */
export function read<T>(schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } }, { what, body }: Answer): T {
  const parsed = schema.safeParse(jsonOf(body))
  if (parsed.success) return parsed.data
  throw new Fault('dependency.unavailable', { detail: `${what} answered with what this program does not understand` })
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const oneOf = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? undefined : header)
