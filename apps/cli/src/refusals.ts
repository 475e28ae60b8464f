import { z } from 'zod'

const problem = z.object({
  code: z.string(), title: z.string(), detail: z.string().optional(), errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
})
const oauthError = z.object({ error: z.string(), error_description: z.string().optional() })

/** What an answer that is no success means, and what to do about it, in one line. */
export function refusal(url: string, { status, body }: { readonly status: number; readonly body: unknown }): string {
  const said = problem.safeParse(body).data
  if (said !== undefined) return [`${said.code}: ${said.detail ?? said.title}`, ...(said.errors ?? []).map(({ pointer, message }) => `${pointer} ${message}`)].join('; ') + hint(said.code)
  const oauth = oauthError.safeParse(body).data
  if (oauth !== undefined) return `${oauth.error}: ${oauth.error_description ?? `status ${status}`}${hint(oauth.error)}`
  return `${url} answered ${status} and nothing this command understands: does CURFEW_URL name the control plane?`
}

const hints: Readonly<Record<string, string>> = {
  'invalid_client': 'check CURFEW_CLIENT_ID and CURFEW_CLIENT_SECRET, or the data directory\'s credentials.json',
  'auth.invalid': 'check the credentials, and that this machine\'s clock is right',
  'auth.scope': 'an administrator can give the client this scope',
  'route.unknown': 'CURFEW_URL must name the control plane; in the distributed profile also set CURFEW_SESSION_URL and CURFEW_REVOCATION_URL',
  'dependency.unavailable': 'try again in a moment',
  'temporarily_unavailable': 'try again in a moment',
}
const hint = (code: string): string => (hints[code] === undefined ? '' : ` (${hints[code]})`)
