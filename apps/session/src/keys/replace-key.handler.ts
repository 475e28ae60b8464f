import { ServiceLog, ServiceSettings } from '@curfew/service-kit'
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common'
import { KeyRing } from './key-ring.js'
import { SigningKeyring } from './signing-keys.handler.js'

/** What another instance learned reaches this one within that time: a revoked key signs tokens that are dead at birth, and no longer. */
const readAgainMs = 5_000

/** Keeps a revoked key from signing: whatever it signs is refused at every gateway and by the control plane itself. */
@Injectable()
export class ReplaceKeyHandler implements OnModuleInit, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly ring: KeyRing, private readonly keyring: SigningKeyring, private readonly settings: ServiceSettings, private readonly log: ServiceLog) {}

  /** Other issuers' keys are theirs to replace. Repeating it changes nothing. */
  async handle({ kid, issuer }: { readonly kid: string; readonly issuer: string }, isEveryTenant: boolean): Promise<void> {
    if (issuer !== this.settings.issuer) return
    const before = this.ring.keys.current.kid
    this.ring.replace(await this.keyring.retire(kid, isEveryTenant))
    const { kid: now } = this.ring.keys.current
    if (now !== before) this.log.warn({ revoked: kid, kid: now }, 'the signing key was revoked and replaced')
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.readAgain(), readAgainMs).unref()
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer)
  }

  private async readAgain(): Promise<void> {
    const before = this.ring.keys
    try {
      const read = await this.keyring.read()
      // A revocation that was handled meanwhile knows better than what was read before it.
      if (this.ring.keys === before) this.ring.replace(read)
    } catch (error) {
      this.log.debug({ err: error }, 'the signing keys could not be read again; the known ones still hold')
    }
  }
}
