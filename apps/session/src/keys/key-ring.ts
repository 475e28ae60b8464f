import type { SigningKeys } from './signing-keys.js'

/** The signing keys, as something that can be injected. */
export class KeyRing {
  constructor(readonly keys: SigningKeys) {}
}
