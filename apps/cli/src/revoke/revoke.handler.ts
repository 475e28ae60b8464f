import { revocation, type Revocation } from '@curfew/contracts'
import type { CliConfig } from '../config.js'
import { call } from '../control-plane.http.js'
import { refusal } from '../refusals.js'
import { fetchToken } from '../token/token.handler.js'
import { CommandFailure } from '../usage.js'
import type { RevokeCommand } from './revoke-request.js'

/** Asks for the revocation and waits as long as was said. Asking again is harmless: a cutoff only ever moves forward. */
export async function requestRevocation(config: CliConfig, { request, wait, timeoutMs, tenant }: RevokeCommand): Promise<Revocation> {
  const { access_token: token } = await fetchToken(config)
  const url = `${config.revocationUrl}/v1/revocations`
  const answer = await call({
    method: 'POST', url: `${url}?wait=${wait}&timeoutMs=${timeoutMs}`, body: JSON.stringify(request), waitMs: timeoutMs,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...(tenant !== undefined && { 'curfew-tenant': tenant }) },
  })
  const read = revocation.safeParse(answer.body)
  if ((answer.status !== 201 && answer.status !== 202) || !read.success) throw new CommandFailure(`not revoked: ${refusal(url, answer)}`)
  return read.data
}
