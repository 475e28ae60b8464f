import { type Platform, startServices, type RunningServices } from '@curfew/service-kit'
import { testPlatform, type TestPlatform } from '@curfew/service-kit/testing'
import { compose } from './compose.js'

export interface Answer<T> {
  readonly status: number
  readonly body: T
}

/** This service on real parts, and a caller of its HTTP. */
export interface RunningService {
  readonly platform: TestPlatform
  readonly services: RunningServices
  get<T>(path: string, token: string): Promise<Answer<T>>
  post<T>(path: string, body: unknown, token: string, headers?: Record<string, string>): Promise<Answer<T>>
}

export async function runningService(parts: Partial<Platform>): Promise<RunningService> {
  const platform = testPlatform(parts)
  const services = await startServices({ definitions: [await compose(platform)], platform, host: '127.0.0.1', port: 0 })
  const call = async <T>(path: string, init: RequestInit): Promise<Answer<T>> => {
    const response = await fetch(`${services.url}${path}`, init)
    return { status: response.status, body: (await response.json()) as T }
  }
  return {
    platform, services,
    get: (path, token) => call(path, { headers: { authorization: `Bearer ${token}` } }),
    post: (path, body, token, headers = {}) => call(path, {
      method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  }
}
