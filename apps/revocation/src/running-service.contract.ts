import { decodeEvent, type BusRecord, type ReceivedEvent } from '@curfew/bus'
import { events, type Revocation, type RevocationRecord, type WatermarkRecord } from '@curfew/contracts'
import { startServices, type Platform, type RunningServices } from '@curfew/service-kit'
import { testPlatform, type TestPlatform } from '@curfew/service-kit/testing'
import { compose } from './compose.js'

export interface Answer<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export interface CallOptions {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** This service on real parts, and a caller of its HTTP. */
export interface RunningService {
  readonly platform: TestPlatform
  readonly services: RunningServices
  call<T>(path: string, token: string | undefined, options?: CallOptions): Promise<Answer<T>>
  revoke(token: string, body: unknown, query?: string, headers?: Readonly<Record<string, string>>): Promise<Answer<Revocation>>
}

export async function runningService(parts: Partial<Omit<Platform, 'callers'>>, like?: TestPlatform): Promise<RunningService> {
  const platform = like === undefined ? testPlatform({ watermarkIntervalMs: 50, ...parts }) : secondInstance(like, parts)
  const services = await startServices({ definitions: [await compose(platform)], platform, host: '127.0.0.1', port: 0, drainMs: 500 })
  const call = async <T>(path: string, token: string | undefined, { method = 'GET', body, headers = {} }: CallOptions = {}): Promise<Answer<T>> => {
    const response = await fetch(`${services.url}${path}`, {
      method, headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }
  return { platform, services, call, revoke: (token, body, query = '', headers = {}) => call(`/v1/revocations${query}`, token, { method: 'POST', body, headers }) }
}

/** Another process of the same deployment: the same keys and secrets, metrics of its own. */
function secondInstance(like: TestPlatform, parts: Partial<Omit<Platform, 'callers'>>): TestPlatform {
  const fresh = testPlatform({})
  return { ...like, metrics: fresh.metrics, memory: fresh.memory, ...parts }
}

const read = (record: BusRecord): ReceivedEvent => decodeEvent(record)

/** The revocations on a feed, in its order. */
export const revocationsOn = (records: readonly BusRecord[]): RevocationRecord[] =>
  records.map(read).filter(({ spec }) => spec === events.revocationDecided).map(({ data }) => data as RevocationRecord)

export const watermarksOn = (records: readonly BusRecord[]): WatermarkRecord[] =>
  records.map(read).filter(({ spec }) => spec === events.watermarkAdvanced).map(({ data }) => data as WatermarkRecord)
