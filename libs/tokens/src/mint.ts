import { assert } from '@curfew/kernel'
import { SignJWT, type CryptoKey } from 'jose'
import { kidPattern, type SigningAlgorithm } from './algorithms.js'
import { accessTokenClaims, type AccessTokenClaims } from './claims.js'
import { maxTokenLength } from './compact.js'

export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly privateKey: CryptoKey
}

/** Signs an RFC 9068 access token. Claims that our own verifier would refuse are a defect of the caller, found here rather than at the edge. */
export async function mintAccessToken(claims: AccessTokenClaims, key: SigningKey): Promise<string> {
  const token = await mintIfItFits(claims, key)
  assert(token !== undefined, 'a token longer than any verifier takes')
  return token
}

/** The same where names may add up to more than a token holds: undefined for a token longer than any verifier takes, which nobody gets to see. */
export async function mintIfItFits(claims: AccessTokenClaims, { kid, alg, privateKey }: SigningKey): Promise<string | undefined> {
  const checked = accessTokenClaims.safeParse(claims)
  assert(checked.success, `claims that no verifier takes: ${checked.error?.issues.map(({ path }) => path.join('.')).join(', ')}`)
  assert(kidPattern.test(kid), 'a key id that no verifier takes')
  const token = await new SignJWT(checked.data).setProtectedHeader({ alg, kid, typ: 'at+jwt' }).sign(privateKey)
  return token.length <= maxTokenLength ? token : undefined
}
