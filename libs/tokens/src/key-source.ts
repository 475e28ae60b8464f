import type { Clock } from '@curfew/kernel'
import { importJWK, type CryptoKey, type JSONWebKeySet, type JWK } from 'jose'
import type { SigningAlgorithm } from './algorithms.js'

/** Where one issuer's public keys come from. It answers undefined for a key it does not know, and does not throw. */
export interface KeySource {
  key(kid: string, alg: SigningAlgorithm): Promise<CryptoKey | undefined>
}

export interface JwksOptions {
  /** At least this long between two fetches, whatever key ids strangers invent. */
  readonly cooldownMs: number
  /**
   * A set older than this is fetched anew, and holds while that is under way; one twice as old is waited for. If fetching fails, the old
   * one still holds, and nobody waits: an issuer that is away must not slow down what it vouched for.
   */
  readonly maxAgeMs: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Told of every failed fetch and unusable set; verification itself only sees a missing key. */
  readonly onError?: (error: unknown) => void
}

/**
 * Keys from a JWK Set that is fetched by the given function, cached, and fetched again for an unknown key id. The function must bound its own
 * time and size: callers wait for it. Only public signature keys that fit the asked algorithm are ever used.
 */
export function jwksKeySource(fetchJwks: () => Promise<JSONWebKeySet>, options: JwksOptions): KeySource {
  return new JwksKeySource(fetchJwks, options)
}

class JwksKeySource implements KeySource {
  private keys: readonly JWK[] = []
  private imported = new Map<JWK, Promise<CryptoKey | undefined>>()
  private fetchedAt = -Infinity
  private triedAt = -Infinity
  private flight: Promise<void> | undefined
  private isFailing = false

  constructor(private readonly fetchJwks: () => Promise<JSONWebKeySet>, private readonly options: JwksOptions) {}

  async key(kid: string, alg: SigningAlgorithm): Promise<CryptoKey | undefined> {
    const age = this.since(this.fetchedAt)
    const refreshing = age >= this.options.maxAgeMs ? this.refresh() : undefined
    const mustWait = age >= 2 * this.options.maxAgeMs && !this.isFailing
    const known = mustWait ? undefined : this.known(kid, alg)
    if (known) return known
    await (refreshing ?? this.refresh())
    return this.known(kid, alg)
  }

  private known(kid: string, alg: SigningAlgorithm): Promise<CryptoKey | undefined> | undefined {
    const jwk = this.keys.find((each) => each.kid === kid && fits(each, alg))
    if (jwk === undefined) return undefined
    const importing = this.imported.get(jwk) ?? this.import(jwk, alg)
    this.imported.set(jwk, importing)
    return importing
  }

  private async import({ kty, crv, x, y, n, e }: JWK, alg: SigningAlgorithm): Promise<CryptoKey | undefined> {
    try {
      // Asymmetric key types import as a CryptoKey; only `oct`, which never fits, does not.
      return (await importJWK({ kty, crv, x, y, n, e } as JWK, alg)) as CryptoKey
    } catch (error) {
      this.options.onError?.(error)
      return undefined
    }
  }

  /** One fetch at a time, and none within the cooldown of the last attempt, failed or not. */
  private refresh(): Promise<void> {
    if (this.flight) return this.flight
    if (this.since(this.triedAt) < this.options.cooldownMs) return Promise.resolve()
    this.triedAt = this.options.clock.monotonicMs()
    this.flight = this.load().finally(() => (this.flight = undefined))
    return this.flight
  }

  private async load(): Promise<void> {
    try {
      const { keys } = await this.fetchJwks()
      if (!Array.isArray(keys)) throw new TypeError('a JWK Set without an array of keys')
      this.keys = keys.filter((each) => each !== null && typeof each === 'object')
      this.imported = new Map()
      this.fetchedAt = this.options.clock.monotonicMs()
      this.isFailing = false
    } catch (error) {
      this.isFailing = true
      this.options.onError?.(error)
    }
  }

  private since(at: number): number {
    return this.options.clock.monotonicMs() - at
  }
}

const shapes: Record<SigningAlgorithm, { readonly kty: string; readonly crv?: string }> = {
  ES256: { kty: 'EC', crv: 'P-256' }, EdDSA: { kty: 'OKP', crv: 'Ed25519' }, RS256: { kty: 'RSA' },
}

/** RFC 7517 sections 4.2-4.4: a member that is present restricts. A set that shows private parts has lost that key. */
function fits(jwk: JWK, alg: SigningAlgorithm): boolean {
  const { kty, crv } = shapes[alg]
  return jwk.kty === kty && (crv === undefined || jwk.crv === crv) && jwk.d === undefined
    && (jwk.use === undefined || jwk.use === 'sig') && (jwk.alg === undefined || jwk.alg === alg)
    && (jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
}
