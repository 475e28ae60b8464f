import { Secret } from '@curfew/kernel'
import { serviceLog } from './service-log.adapter.js'

const lines: string[] = []
const log = serviceLog({ name: 'spec', level: 'info', destination: { write: (line: string) => void lines.push(line) } })
beforeEach(() => void (lines.length = 0))

test('credentials do not reach the log by any of their usual names, down to the headers of a request', () => {
  const secret = 'hunter2'
  log.info({
    token: secret, authorization: secret, request: { headers: { authorization: secret, cookie: secret, 'set-cookie': [secret], 'proxy-authorization': secret } },
    client: { clientSecret: secret, secret: new Secret(secret) }, answer: { body: { access_token: secret, refresh_token: secret } }, 'set-cookie': secret,
  }, 'a careless line')
  expect(lines.join('')).not.toContain(secret)
  expect(lines.join('')).toContain('[redacted]')
})

test('a line is JSON with a level and a time that people can read', () => {
  log.warn({ attempt: 3 }, 'said')
  log.debug({}, 'not said')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{ level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string, name: 'spec', attempt: 3, msg: 'said' }])
})

test('an error is logged with its stack and the cause behind it', () => {
  log.error({ err: new Error('outer', { cause: new TypeError('inner') }) }, 'failed')
  const { err } = JSON.parse(lines[0] ?? '{}') as { err: { stack: string } }
  expect([err.stack.includes('outer'), err.stack.includes('inner')]).toEqual([true, true])
})

test.each(['err', 'error'])('a failed statement, as %s, is logged without its parameters, which are rows, and without its connection', (name) => {
  const failed = Object.assign(new Error('duplicate key value'), {
    query: 'INSERT INTO signal VALUES ($1)', parameters: ['session-4711'], detail: 'Key (id)=(session-4711) already exists.', code: '23505',
    driverError: { parameters: ['session-4711'] }, client: { queries: ['session-4711'] },
  })
  log.error({ [name]: failed }, 'failed')
  expect(lines.join('')).not.toContain('session-4711')
  expect((JSON.parse(lines[0] ?? '{}') as Record<string, object>)[name]).toMatchObject({ message: 'duplicate key value', query: 'INSERT INTO signal VALUES ($1)', code: '23505' })
})

test('what is called an error and is none is logged as it is', () => {
  log.error({ error: 'refused', err: 7 }, 'failed')
  expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({ error: 'refused', err: 7 })
})
