import { MessageBus, type BusRecord, type ConsumeOptions, type FeedReader, type GroupConsumer, type OutgoingRecord, type Publisher, type TopicAdmin } from '@curfew/bus'
import type { PublicJwk } from '@curfew/contracts'
import { followFeed, signRecord } from '@curfew/feed'
import { instant, Secret, systemClock, type TenantId } from '@curfew/kernel'
import { createTokenVerifier, mintAccessToken, type AccessTokenClaims } from '@curfew/tokens'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { derivedSecrets } from './derived-secrets.js'
import { LocalMemory } from './memory/local-memory.adapter.js'
import { CallerVerdicts, type Platform } from './service.js'

/** A bus that a test holds in its hands: what is published is kept and handed to the groups that read its topic. */
export class HandBus extends MessageBus {
  readonly published: OutgoingRecord[] = []
  readonly groups: ConsumeOptions[] = []
  isReachable = true
  readonly feed = undefined as unknown as FeedReader
  readonly topics = undefined as unknown as TopicAdmin
  private readonly lease = new AbortController()
  readonly publisher: Publisher = {
    publish: (records) => {
      this.published.push(...records)
      return Promise.resolve(records.map(({ topic, partition = 0 }, at) => ({ topic, topicId: 't', partition, leaderEpoch: 0, offset: BigInt(at) })))
    },
    close: () => Promise.resolve(),
  }

  consume(options: ConsumeOptions): Promise<GroupConsumer> {
    if (!this.isReachable) return Promise.reject(new Error('the broker is away'))
    this.groups.push(options)
    return Promise.resolve({ close: () => Promise.resolve(), unhealthy: () => undefined })
  }

  /** Hands a record to every group that reads its topic, and resolves when they have settled it. */
  async hand(record: OutgoingRecord): Promise<void> {
    const received: BusRecord = { ...record, partition: record.partition ?? 0, offset: 0n, timestamp: Date.now() }
    await Promise.all(this.groups.filter(({ topics }) => topics.includes(record.topic)).map(({ onRecord }) => onRecord(received, this.lease.signal)))
  }

  ping(): Promise<void> {
    return this.isReachable ? Promise.resolve() : Promise.reject(new Error('the broker is away'))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** Verdicts that a test sets: every caller's, until it says otherwise. */
export class HandVerdicts extends CallerVerdicts {
  verdict: 'allowed' | 'revoked' | 'stale' = 'allowed'
  asked = 0
  verdictOn(): Promise<'allowed' | 'revoked' | 'stale'> {
    this.asked += 1
    return Promise.resolve(this.verdict)
  }
}

/** The control plane's feed key in a spec's hands, and a follower that knows it: `testPlatform({ authenticityOf })` judges records as in production. */
export interface HandFeedKey {
  /** The record as the control plane would publish it. */
  signed(record: OutgoingRecord): OutgoingRecord
  readonly authenticityOf: Platform['authenticityOf']
  close(): Promise<void>
}

export function handFeedKey(): HandFeedKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = { kid: 'spec', privateKey }
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: key.kid } as PublicJwk
  const away = () => Promise.reject(new Error('nothing but terms can be had here'))
  const now = () => systemClock.now()
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const feed = followFeed({
    home: { join: () => Promise.resolve({ primary: now(), since: now(), topic: 't', topicId: 't', partitions: 1, keys: [jwk] }), snapshot: away },
    reader: { describe: away, startOffsets: away, endOffsets: away, tail: away }, clock: systemClock, log: quiet, budgetMs: 60_000,
  })
  return {
    signed: (record) => {
      const { ce_id: id = '', ce_source: source = '', ce_type: type = '', ce_tenant: tenant = '' } = record.headers
      return { ...record, headers: { ...record.headers, 'curfew-signature': signRecord({ topic: record.topic, id, source, type, tenant, value: record.value ?? Buffer.alloc(0) }, key) } }
    },
    authenticityOf: (record) => feed.authenticityOf(record), close: () => feed.close(),
  }
}

export interface TestPlatform extends Platform {
  readonly callers: HandVerdicts
  /** Lines of the log, as they would be written. */
  readonly lines: string[]
  /** An access token of this deployment's issuer; claims given here replace the usual ones. */
  token(scope: string, claims?: Partial<AccessTokenClaims>): Promise<string>
}

const issuer = 'https://curfew.test'

/**
 * A platform for specs: everything real but the bus, which a test hands records to, the verdicts on callers, which it sets, and who wrote the records
 * of the feed: the control plane, unless it says otherwise (`authenticityOf`).
 */
export function testPlatform(parts: Partial<Platform> = {}): TestPlatform {
  const { privateKey, publicKey } = keyPair()
  const lines: string[] = []
  const clock = parts.clock ?? systemClock
  const tenants = ['default', 'acme'] as TenantId[]
  const token = (scope: string, claims: Partial<AccessTokenClaims> = {}): Promise<string> => {
    const seconds = Math.floor(clock.now() / 1000)
    return mintAccessToken({
      iss: issuer, aud: 'curfew', sub: 'ops', client_id: 'ops', jti: webcrypto.randomUUID(), iat: seconds, exp: seconds + 300, tenant: 'default', began_at: instant(seconds * 1000), kind: 'service', scope, ...claims,
    }, { kid: 'test', alg: 'ES256', privateKey })
  }
  return {
    clock, bus: new HandBus(), memory: new LocalMemory(clock), metrics: new Registry(), callers: new HandVerdicts(), authenticityOf: () => 'authentic', lines,
    log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    tokens: createTokenVerifier({
      issuers: [{ issuer, audience: 'curfew', keys: { key: (kid) => Promise.resolve(kid === 'test' ? publicKey : undefined) }, tenants: 'every' }],
      algorithms: ['ES256'], clock, leewaySeconds: 5, maxTokenAgeMs: 3_600_000, maxSessionAgeMs: 2_592_000_000,
    }),
    secrets: derivedSecrets(new Secret('a root secret for specs only')), databaseUrl: '', issuer, audience: 'curfew', tenants, maxSessionAgeMs: 2_592_000_000,
    accessTokenSeconds: 300, clockSkewMs: 5_000, watermarkIntervalMs: 500, ratePerMinute: 120_000, bootstrapClient: { id: 'admin', secret: new Secret('admin-secret-of-specs') },
    ...parts, token,
  } as TestPlatform
}

function keyPair(): { privateKey: webcrypto.CryptoKey; publicKey: webcrypto.CryptoKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  return { privateKey: privateKey.toCryptoKey(algorithm, false, ['sign']), publicKey: publicKey.toCryptoKey(algorithm, true, ['verify']) }
}
