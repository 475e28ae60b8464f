import { readCommandLine } from './command-line.js'
import { commandNames, UsageError, usageOf } from './usage.js'

const read = (line: string) => readCommandLine(line === '' ? [] : line.split(' '))
const objection = (line: string): string => {
  try {
    return `understood as ${JSON.stringify(read(line))}`
  } catch (error) {
    return error instanceof UsageError ? error.message : `no usage error: ${String(error)}`
  }
}

test.each([['', undefined], ['help', undefined], ['--help', undefined], ['-h', undefined], ['help revoke', 'revoke'], ['revoke --help', 'revoke'], ['parked list -h', 'parked'], ['topics --help', 'topics']])(
  '%j asks for help', (line, of) => { expect(read(line)).toEqual({ name: 'help', of }) })

test('every command has its page, and the overview names them all', () => {
  for (const name of commandNames) {
    expect(usageOf(name)).toContain(`curfew ${name}`)
    expect(usageOf()).toContain(`\n  ${name} `)
  }
})

test('a token is asked for, whole or narrowed', () => {
  expect(read('token')).toEqual({ name: 'token', scope: undefined, json: false })
  expect(read('token --scope=audit:read --json')).toEqual({ name: 'token', scope: 'audit:read', json: true })
})

test('topics are applied or checked', () => {
  expect(read('topics apply')).toEqual({ name: 'topics', verb: 'apply', json: false })
  expect(read('topics --json check')).toEqual({ name: 'topics', verb: 'check', json: true })
})

test('parked records are listed, shown and replayed; a topic may be named by itself or by where its failures are kept', () => {
  expect(read('parked list')).toEqual({ name: 'parked', verb: 'list', topic: undefined, limit: 500, json: false })
  for (const topic of ['curfew.lifecycle.v1', 'curfew.lifecycle.parked.v1']) {
    expect(read(`parked list ${topic} --limit 3 --json`)).toEqual({ name: 'parked', verb: 'list', topic: 'curfew.lifecycle.parked.v1', limit: 3, json: true })
  }
  expect(read('parked show curfew.lifecycle.parked.v1/0/17')).toMatchObject({ verb: 'show', id: 'curfew.lifecycle.parked.v1/0/17' })
  expect(read('parked replay a/0/1 b/0/2')).toMatchObject({ verb: 'replay', ids: ['a/0/1', 'b/0/2'] })
})

test.each([
  ['tokens', /no command "tokens"/], ['token now', /no names/], ['token --scope', /scope/], ['token --colour', /--colour/], ['topics', /apply, check/], ['topics delete', /not "delete"/],
  ['topics apply curfew.lifecycle.v1', /no names/], ['parked', /list, show, replay/], ['parked list nowhere', /no topic "nowhere"/], ['parked list a b', /one topic/],
  ['parked list --limit 0', /1 to 10000/], ['parked list --limit ten', /whole number/], ['parked show', /which record/], ['parked show a b', /one record/], ['parked show a --limit 1', /goes with list/],
  ['revoke', /what to revoke/], ['revoke planet earth', /not "planet"/], ['revoke subject', /which subject/], ['revoke tenant acme', /without a name/], ['revoke subject a b', /one too many/],
  ['revoke device d --issuer https://idp.test', /has no issuer/], ['revoke session s --except t', /--except/], ['revoke key k --issued-before 2026-01-01T00:00:00Z', /--issued-before/],
  ['revoke subject a --issued-before yesterday', /instant/], ['revoke subject a --wait enforced', /--wait is one of accepted, published/], ['revoke subject a --timeout-ms 60001', /0 to 60000/],
  ['revoke subject a --note x', /goes with --reason/],
])('%j is not understood, and says why', (line, why) => { expect(objection(line)).toMatch(why) })

test('every kind of scope is written as the API takes it', () => {
  const scopeOf = (line: string) => (read(`revoke ${line}`) as { request: { scope: object } }).request.scope
  expect(scopeOf('session s-1')).toEqual({ kind: 'session', id: 's-1' })
  expect(scopeOf('subject alice')).toEqual({ kind: 'subject', sub: 'alice' })
  expect(scopeOf('subject alice --issuer *')).toEqual({ kind: 'subject', issuer: '*', sub: 'alice' })
  expect(scopeOf('token j --issuer https://idp.test')).toEqual({ kind: 'token', jti: 'j', issuer: 'https://idp.test' })
  expect(scopeOf('client c --issued-before 2026-01-01T00:00:00Z')).toEqual({ kind: 'client', clientId: 'c', issuedBefore: '2026-01-01T00:00:00Z' })
  expect(scopeOf('device d')).toEqual({ kind: 'device', deviceId: 'd' })
  expect(scopeOf('agent a')).toEqual({ kind: 'agent', agentId: 'a' })
  expect(scopeOf('grant g')).toEqual({ kind: 'grant', grantId: 'g' })
  expect(scopeOf('tenant')).toEqual({ kind: 'tenant' })
  expect(scopeOf('key k')).toEqual({ kind: 'key', kid: 'k' })
})

test('exceptions, reason, wait and tenant come along', () => {
  expect(readCommandLine(['revoke', 'subject', 'alice', '--except', 's1', '--except', 's2', '--reason', 'password_reset', '--note', 'helpdesk 4711', '--wait', 'accepted', '--timeout-ms', '100', '--tenant', 'acme', '--json']))
    .toEqual({
      name: 'revoke', request: { scope: { kind: 'subject', sub: 'alice' }, except: ['s1', 's2'], reason: { code: 'password_reset', text: 'helpdesk 4711' } },
      wait: 'accepted', timeoutMs: 100, tenant: 'acme', json: true,
    })
})
