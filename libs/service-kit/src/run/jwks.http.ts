import { Outage, type Clock } from '@curfew/kernel'
import { jwksKeySource, type KeySource } from '@curfew/tokens'
import { request } from 'undici'
import type { ServiceLog } from '../injected.js'

/** A set of keys is some KiB; more is no key set of ours. */
const maxBytes = 262_144
const answerMs = 3_000
/** A key id nobody knows costs four small requests a second at most; a service that starts before its neighbour sees it a quarter of a second later. */
const cooldownMs = 250
/** Rotation overlaps for far longer than this. */
const maxAgeMs = 300_000

/** The issuer's signing keys over HTTP, and whether they could be had at all. */
export interface RemoteKeys {
  readonly source: KeySource
  /** Why no token can be verified; undefined once keys were had. */
  unready(): string | undefined
  close(): void
}

/** Fetches the keys at once and then when needed. Bounded in size and time; a failure is logged when it begins and when it ends. */
export function remoteKeys({ url, clock, log }: { readonly url: string; readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: ServiceLog }): RemoteKeys {
  let isLoaded = false
  const outage = new Outage(clock)
  const source = jwksKeySource(async () => {
    const keys = await fetchKeys(url)
    const lastedMs = outage.over()
    if (lastedMs !== undefined) log.info({ url, lastedMs }, 'the signing keys can be had again')
    isLoaded = true
    return keys
  }, {
    cooldownMs, maxAgeMs, clock, onError: (error) => {
      const news = outage.failed()
      if (news) log[news.level]({ url, err: error, lastedMs: news.lastedMs }, 'the signing keys cannot be had; trying again')
    },
  })
  // Asking for a key that no set holds is what makes it look, so that the first caller need not wait.
  const ask = (): void => void (isLoaded ? clearInterval(timer) : source.key('-', 'ES256'))
  const timer = setInterval(ask, cooldownMs + 10)
  timer.unref()
  return { source, unready: () => (isLoaded ? undefined : `no signing keys could be had from ${url}`), close: () => clearInterval(timer) }
}

async function fetchKeys(url: string): Promise<Awaited<ReturnType<Parameters<typeof jwksKeySource>[0]>>> {
  const { statusCode, body } = await request(url, { headersTimeout: answerMs, bodyTimeout: answerMs, signal: AbortSignal.timeout(answerMs), headers: { accept: 'application/jwk-set+json, application/json' } })
  const parts: Buffer[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes) throw new Error('the key set is too large')
    parts.push(part)
  }
  if (statusCode !== 200) throw new Error(`the key set answered ${statusCode}`)
  return JSON.parse(Buffer.concat(parts, length).toString('utf8')) as Awaited<ReturnType<Parameters<typeof jwksKeySource>[0]>>
}
