import { tokenResponse } from '@curfew/contracts'
import type { z } from 'zod'
import type { CliConfig } from '../config.js'
import { call } from '../control-plane.http.js'
import { refusal } from '../refusals.js'
import { CommandFailure } from '../usage.js'
import { findCredentials } from './credentials.adapter.js'

/** An access token for whoever calls; every command gets its own, and none is kept. */
export async function fetchToken(config: CliConfig, scope?: string): Promise<z.infer<typeof tokenResponse>> {
  const { clientId, clientSecret } = await findCredentials(config)
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret.reveal(), ...(scope !== undefined && { scope }) })
  const url = `${config.sessionUrl}/oauth2/token`
  const answer = await call({ method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() })
  const read = tokenResponse.safeParse(answer.body)
  if (answer.status !== 200 || !read.success) throw new CommandFailure(`no token: ${refusal(url, answer)}`)
  return read.data
}
