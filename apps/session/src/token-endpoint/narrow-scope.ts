import { accessScopes, holdsScope, type AccessScope } from '@curfew/contracts'
import type { TokenRefusal } from './token-request.js'

const isKnown = (scope: string): scope is AccessScope => (accessScopes as readonly string[]).includes(scope)

/**
 * The scopes a token will carry: all the client holds, or those it asks for. A scope that does not exist or is not held refuses the
 * whole request (RFC 6749 section 3.3 lets us ignore it; a caller that relies on it is better told).
 */
export function narrowScope(requested: string | undefined, held: readonly string[]): readonly string[] | TokenRefusal {
  if (requested === undefined) return held
  const asked = [...new Set(requested.split(' ').filter((scope) => scope !== ''))]
  const missing = asked.length === 0 || asked.some((scope) => !isKnown(scope) || !holdsScope(held, scope))
  return missing ? { error: 'invalid_scope', description: 'a requested scope does not exist or is not held by this client' } : asked
}
