import type { DecidedScope, Revocation, RevocationState } from '@curfew/contracts'
import type { RevokeCommand } from './revoke-request.js'

/** States that are at least what was waited for. */
const reached: Readonly<Record<RevokeCommand['wait'], readonly RevocationState[]>> = { accepted: ['accepted', 'published', 'enforced'], published: ['published', 'enforced'] }

export const isReached = (revocation: Revocation, wait: RevokeCommand['wait']): boolean => reached[wait].includes(revocation.state)

/** One sentence an operator can act on. */
export function outcomeText(revocation: Revocation, wait: RevokeCommand['wait']): string {
  const { id, state, scope, cutoff, except } = revocation
  const bound = cutoff === null ? '' : `, everything begun up to ${cutoff}`
  const spared = except.length === 0 ? '' : `, sparing ${except.length}`
  const said = `${state}: ${scopeText(scope)}${bound}${spared}; revocation ${id}`
  return isReached(revocation, wait) ? said : `${said}\nnot ${wait} in time. It stands and will be published; see GET ${revocation.links.self}`
}

function scopeText(scope: DecidedScope): string {
  switch (scope.kind) {
    case 'session': return `session ${scope.id}`
    case 'token': return `token ${scope.jti} of ${scope.issuer}`
    case 'subject': return `subject ${scope.sub} of ${scope.issuer === '*' ? 'every issuer' : scope.issuer}`
    case 'client': return `client ${scope.clientId}`
    case 'device': return `device ${scope.deviceId}`
    case 'agent': return `agent ${scope.agentId}`
    case 'grant': return `grant ${scope.grantId}`
    case 'tenant': return 'the tenant'
    case 'key': return `key ${scope.kid} of ${scope.issuer}`
  }
}
