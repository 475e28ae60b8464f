import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import { IsNull } from 'typeorm'
import { SigningKeyEntity, type SigningKeyRow } from './signing-key.entity.js'

/** The deployment's signing keys. They belong to no tenant: only a transaction of every tenant sees them. */
@Injectable()
export class SigningKeyStore {
  /** One instance at a time from here to the commit, so that all find the key the first one made. */
  async lock(tx: Tx): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('curfew.session.signing-keys', 0))`)
  }

  /** Newest first. */
  all(tx: Tx): Promise<SigningKeyRow[]> {
    return tx.manager.find(SigningKeyEntity, { order: { createdAt: 'DESC', kid: 'ASC' } })
  }

  async add(tx: Tx, row: SigningKeyRow): Promise<void> {
    await tx.manager.insert(SigningKeyEntity, row)
  }

  /** It signs nothing any more. A key we do not have is nobody's loss. */
  async retire(tx: Tx, kid: string, isWithdrawn: boolean): Promise<void> {
    await tx.manager.update(SigningKeyEntity, { kid, retiredAt: IsNull() }, { retiredAt: tx.now })
    if (isWithdrawn) await tx.manager.update(SigningKeyEntity, { kid }, { withdrawn: true })
  }
}
