import { ManualClock } from '@curfew/kernel'
import { base64url, generateKeyPair, type CryptoKey } from 'jose'
import { sign as nodeSign, type KeyObject } from 'node:crypto'
import type { SigningAlgorithm } from './algorithms.js'
import type { AccessTokenClaims } from './claims.js'
import type { KeySource } from './key-source.js'
import { isRefused, type TokenVerifier } from './verify.js'

// What the specs of tokens stand on: claims that are good, and a forger who signs whatever he is told.

export const issuer = 'https://curfew.test'
export const nowMs = 1_795_500_000_000
const nowSeconds = nowMs / 1000

export const goodClaims: AccessTokenClaims = {
  iss: issuer, aud: 'api', sub: 'alice', client_id: 'web', jti: 'j-1', iat: nowSeconds - 10, exp: nowSeconds + 290, tenant: 'default', began_at: nowMs - 60_000, kind: 'person', sid: 's-1',
}

export interface Pair {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

export async function pair(alg: SigningAlgorithm, kid = `${alg}-1`): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicKey }
}

export const clockAtNow = (): ManualClock => new ManualClock(nowMs)

export const keysOf = (...pairs: readonly Pair[]): KeySource => ({
  key: async (kid, alg) => pairs.find((each) => each.kid === kid && each.alg === alg)?.publicKey,
})

export const encoded = (value: unknown): string => base64url.encode(typeof value === 'string' ? value : JSON.stringify(value))

/** Signs exactly these texts as ES256, whatever they are. */
export async function forged(header: unknown, payload: unknown, { privateKey }: Pick<Pair, 'privateKey'>): Promise<string> {
  const input = `${encoded(header)}.${encoded(payload)}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey as Parameters<typeof crypto.subtle.sign>[1], Buffer.from(input))
  return `${input}.${base64url.encode(new Uint8Array(signature))}`
}

export const hmacSigned = (header: unknown, payload: unknown, mac: (input: string) => Buffer): string => {
  const input = `${encoded(header)}.${encoded(payload)}`
  return `${input}.${base64url.encode(mac(input))}`
}

export const rsaSigned = (header: unknown, payload: unknown, key: KeyObject): string => {
  const input = `${encoded(header)}.${encoded(payload)}`
  return `${input}.${base64url.encode(nodeSign('sha256', Buffer.from(input), key))}`
}

/** The code of a refusal, or `verified`. */
export async function outcomeOf(verifier: TokenVerifier, token: unknown): Promise<string> {
  const outcome = await verifier.verify(token as string)
  return isRefused(outcome) ? outcome.code : 'verified'
}
