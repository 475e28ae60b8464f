import type { Revocation, RevocationState } from '@curfew/contracts'
import { toIso } from '@curfew/kernel'
import type { AcceptedRevocation } from '../revoke/accepted-revocation.js'

/** How far it has come, and never further than is known: what is kept was committed, what has an acknowledgement is published (I2). */
export const stateOf = ({ publishedAt }: Pick<AcceptedRevocation, 'publishedAt'>): RevocationState => (publishedAt === undefined ? 'accepted' : 'published')

/** A revocation as the API shows it. `forgetAfter` is the gateways' affair and stays out. */
export function present(revocation: AcceptedRevocation): Revocation {
  const { record, publishedAt } = revocation
  const { forgetAfter: _, ...shown } = record
  return {
    ...shown, state: stateOf(revocation),
    ...(publishedAt === undefined ? {} : { publishedAt: toIso(publishedAt) }),
    links: { self: `/v1/revocations/${record.id}` },
  }
}
