export { kidPattern, signingAlgorithms, type SigningAlgorithm } from './algorithms.js'
export { accessTokenClaims, factsOf, maxActors, maxParents, type AccessTokenClaims, type ActClaim } from './claims.js'
export { maxTokenLength } from './compact.js'
export { jwksKeySource, type JwksOptions, type KeySource } from './key-source.js'
export { mintAccessToken, mintIfItFits, type SigningKey } from './mint.js'
export {
  createTokenVerifier, isRefused, type RefusalCode, type Refused, type TokenVerifier, type TokenVerifierOptions, type TrustedIssuer, type Verified,
} from './verify.js'
