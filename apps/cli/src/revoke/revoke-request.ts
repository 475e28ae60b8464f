import { revocationRequest, type RevocationRequest } from '@curfew/contracts'
import { oneOf, readOptions, wholeNumber } from '../options.js'
import { UsageError } from '../usage.js'

export interface RevokeCommand {
  readonly name: 'revoke'
  readonly request: RevocationRequest
  readonly wait: 'accepted' | 'published'
  readonly timeoutMs: number
  readonly tenant: string | undefined
  readonly json: boolean
}

const kinds = ['session', 'subject', 'token', 'client', 'device', 'agent', 'grant', 'tenant', 'key'] as const
type Kind = (typeof kinds)[number]
/** The member that holds the name, per kind. */
const members: Readonly<Record<Exclude<Kind, 'tenant'>, string>> =
  { session: 'id', subject: 'sub', token: 'jti', client: 'clientId', device: 'deviceId', agent: 'agentId', grant: 'grantId', key: 'kid' }
const withIssuer: ReadonlySet<Kind> = new Set(['subject', 'token', 'key'])
const absolute: ReadonlySet<Kind> = new Set(['session', 'token', 'key'])

const options = {
  issuer: { type: 'string' }, except: { type: 'string', multiple: true }, 'issued-before': { type: 'string' }, reason: { type: 'string' }, note: { type: 'string' },
  wait: { type: 'string' }, 'timeout-ms': { type: 'string' }, tenant: { type: 'string' },
} as const

/** Reads what follows `curfew revoke`. Whatever the API would refuse for its form is refused here, before anything is sent. */
export function readRevoke(args: readonly string[]): RevokeCommand {
  const { values, positionals: [kindText, name, ...more] } = readOptions(args, options)
  const kind = oneOf(kindText, 'what to revoke', kinds)
  if (more.length > 0) throw new UsageError(`one thing is revoked at a time; ${JSON.stringify(more[0])} is one too many`)
  if (kind === 'tenant' ? name !== undefined : name === undefined) throw new UsageError(kind === 'tenant' ? 'a tenant is revoked whole, without a name' : `which ${kind}? curfew revoke ${kind} <${members[kind]}>`)
  if (values.issuer !== undefined && !withIssuer.has(kind)) throw new UsageError(`a ${kind} has no issuer`)
  if (values['issued-before'] !== undefined && absolute.has(kind)) throw new UsageError(`a ${kind} ends as a whole: --issued-before does not apply`)
  if (values.except !== undefined && absolute.has(kind)) throw new UsageError(`a ${kind} ends as a whole: --except does not apply`)
  if (values.note !== undefined && values.reason === undefined) throw new UsageError('--note goes with --reason')
  return {
    name: 'revoke', request: requestOf(kind, name, values), wait: values.wait === undefined ? 'published' : oneOf(values.wait, '--wait', ['accepted', 'published']),
    timeoutMs: wholeNumber(values['timeout-ms'], '--timeout-ms', 0, 60_000) ?? 5_000, tenant: values.tenant, json: values.json ?? false,
  }
}

interface Given {
  readonly issuer?: string | undefined
  readonly except?: readonly string[] | undefined
  readonly 'issued-before'?: string | undefined
  readonly reason?: string | undefined
  readonly note?: string | undefined
}

function requestOf(kind: Kind, name: string | undefined, given: Given): RevocationRequest {
  const { issuer, except, 'issued-before': issuedBefore, reason, note } = given
  const scope = { kind, ...(kind !== 'tenant' && { [members[kind]]: name }), ...(issuer !== undefined && { issuer }), ...(issuedBefore !== undefined && { issuedBefore }) }
  const read = revocationRequest.safeParse({
    scope, ...(except !== undefined && { except }), ...(reason !== undefined && { reason: { code: reason, ...(note !== undefined && { text: note }) } }),
  })
  if (read.success) return read.data
  throw new UsageError(read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
}
