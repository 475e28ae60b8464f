import type { SigningKeys } from './signing-keys.js'

/** The signing keys this instance works with, until it learns of others. */
export class KeyRing {
  constructor(private held: SigningKeys) {}

  get keys(): SigningKeys {
    return this.held
  }

  replace(keys: SigningKeys): void {
    this.held = keys
  }
}
