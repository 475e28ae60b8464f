/** The signatures this system makes and believes. All are asymmetric: a verifier never holds what could mint. */
export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** What a key id may look like: it is compared, logged and looked up, so it holds nothing that means something elsewhere. */
export const kidPattern = /^[A-Za-z0-9._~:=+/@-]{1,256}$/
