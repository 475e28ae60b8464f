import { assert, instant, type Instant } from '@curfew/kernel'
import { Database, type Tx } from '@curfew/persistence'
import { DerivedSecrets } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import type { SigningKeyRow } from '../store/signing-key.entity.js'
import { SigningKeyStore } from '../store/signing-key.store.js'
import { generateSigningKey, publishedKeys, readSigningKey, type SigningKeys } from './signing-keys.js'

/** The deployment's signing keys, shared by every instance through the database. */
@Injectable()
export class SigningKeyring {
  constructor(private readonly database: Database, private readonly secrets: DerivedSecrets, private readonly store: SigningKeyStore) {}

  /**
   * The keys as they are; the first is made by whichever instance comes first. An instance that cannot open what another sealed has another
   * root secret and must not start: it would sign with a key nobody publishes.
   */
  open(): Promise<SigningKeys> {
    return this.withOneInUse(async () => undefined)
  }

  /** The keys without this one, and with a new one if it was in use. */
  retire(kid: string, isWithdrawn: boolean): Promise<SigningKeys> {
    return this.withOneInUse((tx) => this.store.retire(tx, kid, isWithdrawn))
  }

  /** The keys as another instance may have left them. */
  async read(): Promise<SigningKeys> {
    return this.opened(...(await this.database.transactEverywhere(async (tx) => [await this.store.all(tx), tx.now] as const)))
  }

  private async withOneInUse(change: (tx: Tx) => Promise<void>): Promise<SigningKeys> {
    return this.opened(...(await this.database.transactEverywhere(async (tx) => {
      await this.store.lock(tx)
      await change(tx)
      const known = await this.store.all(tx)
      return [known.some(isInUse) ? known : [await this.make(tx), ...known], tx.now] as const
    })))
  }

  private async make(tx: Tx): Promise<SigningKeyRow> {
    const { privatePkcs8, ...made } = await generateSigningKey()
    const row: SigningKeyRow = {
      ...made, tenant: '*', privateSealed: this.secrets.seal(Buffer.from(privatePkcs8), sealedFor(made.kid)), createdAt: tx.now, retiredAt: null, withdrawn: false,
    }
    await this.store.add(tx, row)
    return row
  }

  private async opened(rows: readonly SigningKeyRow[], now: Instant): Promise<SigningKeys> {
    const inUse = rows.find(isInUse)
    assert(inUse, 'a retired key is replaced in the same commit')
    const current = await readSigningKey(inUse.kid, inUse.alg, this.unsealed(inUse))
    return { current, jwks: { keys: publishedKeys(rows, now) }, since: instant(Math.min(...rows.map(({ createdAt }) => createdAt))) }
  }

  private unsealed({ kid, privateSealed }: SigningKeyRow): string {
    try {
      return this.secrets.open(privateSealed, sealedFor(kid)).toString('utf8')
    } catch (cause) {
      throw new Error(`signing key ${kid} was sealed with another root secret: set CURFEW_ROOT_SECRET to what it was when the key was made`, { cause })
    }
  }
}

const isInUse = ({ retiredAt }: SigningKeyRow): boolean => retiredAt === null
const sealedFor = (kid: string): string => `session-signing-key:${kid}`
