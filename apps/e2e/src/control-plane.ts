import { randomUUID } from 'node:crypto'

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export interface IssuedSession {
  readonly accessToken: string
  readonly refreshToken: string
  readonly session: { readonly id: string; readonly beganAt: string }
}

export interface ControlPlaneOptions {
  /** Where each kind of path answers; one origin in the embedded profile, a port a service in the distributed one. */
  readonly session: string
  readonly revocation: string
  readonly lifecycle: string
  readonly audit: string
  readonly credentials: { readonly clientId: string; readonly clientSecret: string }
}

/** The outer contract as a stranger uses it: plain HTTP, nothing of ours imported. */
export class ControlPlane {
  private token: { readonly value: string; readonly until: number } | undefined
  constructor(private readonly options: ControlPlaneOptions) {}

  async issue(sub: string, more: Record<string, unknown> = {}): Promise<IssuedSession> {
    const answer = await this.post<IssuedSession>(`${this.options.session}/v1/sessions`, { subject: { sub }, clientId: 'web', ...more })
    if (answer.status !== 201) throw new Error(`no session: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  revoke(scope: Record<string, unknown>, more: Record<string, unknown> = {}, query = '', headers: Record<string, string> = {}): Promise<Answer> {
    return this.post(`${this.options.revocation}/v1/revocations${query}`, { scope, ...more }, headers)
  }

  revocation(id: string): Promise<Answer> {
    return this.get(`${this.options.revocation}/v1/revocations/${id}`)
  }

  signal(type: string, sub: string, occurredAt: string, more: Record<string, unknown> = {}): Promise<Answer> {
    const event = { specversion: '1.0', id: randomUUID(), source: 'https://hr.example', type: `curfew.lifecycle.${type}`, data: { subject: { sub }, occurredAt, ...more } }
    return this.post(`${this.options.lifecycle}/v1/lifecycle-signals`, event)
  }

  audit(query: string): Promise<Answer<{ items: Record<string, unknown>[] }>> {
    return this.get(`${this.options.audit}/v1/audit/events?${query}`)
  }

  sessions(query: string): Promise<Answer<{ items: Record<string, unknown>[] }>> {
    return this.get(`${this.options.session}/v1/sessions?${query}`)
  }

  async get<Body = Record<string, unknown>>(url: string): Promise<Answer<Body>> {
    return call<Body>(url, { headers: { authorization: `Bearer ${await this.accessToken()}` } })
  }

  async post<Body = Record<string, unknown>>(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer<Body>> {
    return call<Body>(url, {
      method: 'POST', body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await this.accessToken()}`, ...headers },
    })
  }

  async accessToken(): Promise<string> {
    if (this.token && this.token.until > Date.now()) return this.token.value
    const { clientId, clientSecret } = this.options.credentials
    const answer = await call<{ access_token: string }>(`${this.options.session}/oauth2/token`, {
      method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }),
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    })
    if (answer.status !== 200) throw new Error(`no access token: ${answer.status} ${JSON.stringify(answer.body)}`)
    // Half of the shortest lifetime a token is given.
    this.token = { value: answer.body.access_token, until: Date.now() + 60_000 }
    return this.token.value
  }
}

/** One request; the body is read as JSON where it is JSON, else kept as text. */
export async function call<Body = Record<string, unknown>>(url: string, init: RequestInit = {}): Promise<Answer<Body>> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000), ...init })
  const text = await answer.text()
  const body = answer.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as Body) : (text as Body)
  return { status: answer.status, headers: answer.headers, body }
}

/** What a gateway says to a request with this token: 200, or the problem's code. */
export async function through(gatewayUrl: string, accessToken: string): Promise<number | string> {
  const answer = await call<{ code?: string }>(`${gatewayUrl}/anything`, { headers: { authorization: `Bearer ${accessToken}` } })
  return answer.status === 200 ? 200 : (answer.body.code ?? answer.status)
}
