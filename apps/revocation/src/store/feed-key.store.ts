import type { PublicJwk } from '@curfew/contracts'
import type { Tx } from '@curfew/persistence'

/** A feed key as it lies in the database: its private half only sealed. */
export interface SealedFeedKey {
  readonly kid: string
  readonly publicJwk: PublicJwk
  readonly sealed: Buffer
}

export class FeedKeyStore {
  async current(tx: Tx): Promise<SealedFeedKey | undefined> {
    const [row] = await tx.query<SealedFeedKey>(`SELECT kid, public_jwk AS "publicJwk", sealed FROM feed_keys WHERE role = 'current'`)
    return row
  }

  /** Keeps this key unless there is one: of several instances that start at once, one wins and all use its key. */
  async offer(tx: Tx, { kid, publicJwk, sealed }: SealedFeedKey): Promise<void> {
    await tx.query(`INSERT INTO feed_keys (role, kid, public_jwk, sealed) VALUES ('current', $1, $2, $3) ON CONFLICT (role) DO NOTHING`, [kid, JSON.stringify(publicJwk), sealed])
  }
}
