import { encodeEvent, eventKey, type BusRecord, type FeedReader, type OutgoingRecord, type TailOptions } from '@curfew/bus'
import { events, topics, type DecidedScope } from '@curfew/contracts'
import { MapDenylist } from '@curfew/denylist'
import { signRecord, snapshotParts } from '@curfew/feed'
import { instant, Secret, systemClock, toIso, type Clock } from '@curfew/kernel'
import { until } from '@curfew/testing'
import { mintAccessToken, type AccessTokenClaims, type SigningKey } from '@curfew/tokens'
import { exportJWK, generateKeyPair } from 'jose'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { composeGateway, type GatewayConfig, type RunningGateway } from './compose.js'

// What the gateway's own specs stand on: a control plane over real HTTP, tokens of a real issuer, and a log in memory.

export const issuer = 'https://curfew.localhost'
export const audience = 'curfew'
const topic = topics.revocations.name

export async function listening(listener: RequestListener): Promise<{ server: Server; url: string; close(): Promise<void> }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

export async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8') as AsyncIterable<string>) text += part
  return text
}

/** One partition in memory, which everything appended reaches at once. */
export class MemoryLog implements FeedReader {
  private readonly records: BusRecord[] = []
  private readonly tails = new Set<TailOptions>()
  isDown = false

  append({ key, value, headers }: OutgoingRecord): void {
    const record = { topic, partition: 0, offset: BigInt(this.records.length), key, value, headers, timestamp: Date.now() }
    this.records.push(record)
    if (!this.isDown) for (const tail of this.tails) tail.onBatch(0, [record], record.offset + 1n)
  }
  describe = async () => ({ topicId: 'incarnation-1', partitions: 1 })
  startOffsets = async () => [0n]
  endOffsets = async () => [BigInt(this.records.length)]
  tail = async (options: TailOptions) => {
    this.tails.add(options)
    options.onBatch(0, this.records.slice(Number(options.from[0])), BigInt(this.records.length))
    return { close: async () => void this.tails.delete(options), lastAnswerAt: () => 0 }
  }
}

async function signingKey(kid: string): Promise<SigningKey & { jwk: object }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, alg: 'ES256', privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

/** Session and revocation as a gateway sees them, scripted. */
export class ScriptedControlPlane {
  readonly log = new MemoryLog()
  readonly asked: string[] = []
  readonly registered = new Map<string, unknown>()
  leaseMs = 30_000
  isDown = false
  keysAreDown = false
  primaryNow: () => number = Date.now
  private readonly registeredAt = Date.now() - 1
  private readonly feedKey = generateKeyPairSync('ed25519')
  key!: Awaited<ReturnType<typeof signingKey>>
  keys: Awaited<ReturnType<typeof signingKey>>[] = []
  url = ''
  private stop = async (): Promise<void> => undefined

  static async start(): Promise<ScriptedControlPlane> {
    const plane = new ScriptedControlPlane()
    plane.key = await signingKey('key-1')
    plane.keys = [plane.key]
    const { url, close } = await listening((request, response) => {
      void plane.answer(request).then(({ status, body, headers = {} }) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body), () => response.destroy())
    })
    plane.url = url
    plane.stop = close
    return plane
  }

  close(): Promise<void> {
    return this.stop()
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; body?: string | Buffer; headers?: Record<string, string> }> {
    const what = `${request.method} ${request.url}`
    const text = await textOf(request)
    this.asked.push(what)
    if (what === 'GET /.well-known/jwks.json') return this.keysAreDown ? { status: 503 } : { status: 200, body: JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }) }
    if (this.isDown) return { status: 503 }
    if (what === 'POST /oauth2/token') return { status: 200, body: JSON.stringify({ access_token: 'machine', token_type: 'Bearer', expires_in: 300 }) }
    if (request.headers.authorization !== 'Bearer machine') return { status: 401 }
    const id = /^\/v1\/gateways\/([^/]+)$/.exec(request.url ?? '')?.[1]
    if (id !== undefined && request.method === 'DELETE') return { status: this.registered.delete(decodeURIComponent(id)) ? 204 : 404 }
    if (id !== undefined && request.method === 'PUT') {
      this.registered.set(decodeURIComponent(id), JSON.parse(text))
      return { status: 200, body: JSON.stringify(this.lease(decodeURIComponent(id))) }
    }
    if (what === 'GET /v1/denylist/snapshot') return this.snapshot()
    return { status: 404 }
  }

  private lease(id: string): object {
    const { kty, crv, x } = this.feedKey.publicKey.export({ format: 'jwk' }) as { kty: string; crv: string; x: string }
    return {
      id, registeredAt: toIso(instant(this.registeredAt)), primaryClock: toIso(instant(this.primaryNow())), leaseMs: this.leaseMs, budgetMs: 60_000,
      feed: { topic, topicId: 'incarnation-1', partitions: 1, keys: [{ kty, crv, x, kid: 'feed-1' }] },
    }
  }

  private snapshot(): { status: number; body: Buffer; headers: Record<string, string> } {
    const document = { topic, topicId: 'incarnation-1', positions: ['0'], takenAt: toIso(instant(this.primaryNow())), denylist: new MapDenylist().snapshot() }
    const body = Buffer.from(JSON.stringify(document))
    return { status: 200, body, headers: { etag: '"1"', 'curfew-signature': signRecord(snapshotParts(topic, '"1"', body), { kid: 'feed-1', privateKey: this.feedKey.privateKey }) } }
  }

  private publish<T>(spec: Parameters<typeof encodeEvent<T>>[0], data: T): void {
    const id = randomUUID()
    const record = encodeEvent(spec, eventKey('default', id), { id, source: 'urn:revocation', tenant: 'default' }, data)
    const parts = { topic, id, source: 'urn:revocation', type: spec.type, tenant: 'default', value: record.value as Buffer }
    const signature = signRecord(parts, { kid: 'feed-1', privateKey: this.feedKey.privateKey })
    this.log.append({ ...record, headers: { ...record.headers, 'curfew-signature': signature } })
  }

  mark(): void {
    this.publish(events.watermarkAdvanced, { at: toIso(instant(this.primaryNow())), partitions: 1 })
  }

  revoke(scope: DecidedScope, cutoff: number | null = null): void {
    this.publish(events.revocationDecided, {
      id: randomUUID(), tenant: 'default', scope, cutoff: cutoff === null ? null : toIso(instant(cutoff)), except: [], decidedAt: toIso(instant(this.primaryNow())),
      forgetAfter: toIso(instant(this.primaryNow() + 86_400_000)), reason: { code: 'test' }, initiator: { kind: 'client', id: 'ops' },
    })
  }

  token(more: Partial<AccessTokenClaims> = {}, key: SigningKey = this.key): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return mintAccessToken({
      iss: issuer, aud: audience, sub: 'alice', client_id: 'web', jti: randomUUID(), iat: now, exp: now + 300, tenant: 'default', began_at: now * 1000, kind: 'person', sid: 's-1', ...more,
    }, key)
  }

  newKey = signingKey
}

export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

export function configFor(plane: { readonly url: string }, more: Partial<GatewayConfig> = {}): GatewayConfig {
  return {
    host: '127.0.0.1', port: 0, adminPort: 0, gatewayId: 'edge-1', upstreamTimeoutMs: 5_000, trustForwarded: false, cookieName: '__Host-curfew', budgetMs: 60_000,
    sessionUrl: plane.url, revocationUrl: plane.url, clientId: 'root', clientSecret: new Secret('sixteen-characters'), issuer, audience, maxSessionAgeMs: 2_592_000_000, drainMs: 5_000, ...more,
  }
}

export const startGateway = (plane: ScriptedControlPlane, more: Partial<GatewayConfig> = {}, clock: Clock = systemClock): Promise<RunningGateway> =>
  composeGateway({ config: configFor(plane, more), bus: { feed: plane.log }, clock, log: silent })

export async function readyGateway(...parts: Parameters<typeof startGateway>): Promise<RunningGateway> {
  const gateway = await startGateway(...parts)
  await until(() => {
    parts[0].mark()
    return gateway.isReady()
  }, { timeoutMs: 10_000, what: 'the gateway to be ready' })
  return gateway
}
