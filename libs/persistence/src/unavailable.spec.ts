import { Fault } from '@curfew/contracts'
import { isUnreachable, orUnavailable } from './unavailable.js'

const coded = (code: string, more: object = {}): Error => Object.assign(new Error('said the server'), { code, ...more })

test.each(['ECONNREFUSED', 'ECONNRESET', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'ENFILE', '08006', '08P01', '53300', '53100', '57P01', '57P02', '57P03', '57014', '58030', '25006', '25P03', '55P03'])('%s says that the database is unavailable', (code) => {
  expect(orUnavailable(coded(code), 'x')).toMatchObject({ code: 'dependency.unavailable', cause: { code } })
})

test.each(['Connection terminated unexpectedly', 'Connection terminated due to connection timeout', 'timeout exceeded when trying to connect', 'Query read timeout'])('so does "%s"', (message) => {
  expect(orUnavailable(new Error(message), 'x')).toMatchObject({ code: 'dependency.unavailable' })
})

test.each(['40001', '40P01'])('%s says that another transaction was in the way, and trying again helps', (code) => {
  expect(orUnavailable(coded(code), 'x')).toMatchObject({ code: 'service.overloaded' })
})

test.each(['23505', '42501', '42P01', '22P02', '0A000', '57999'])('%s is the caller\'s to understand', (code) => {
  const error = coded(code)
  expect(orUnavailable(error, 'x')).toBe(error)
})

test('a plan that a migration made stale takes its connection out of use', () => {
  expect(isUnreachable(coded('0A000', { routine: 'RevalidateCachedQuery' }))).toBe(true)
})

test('a fault, a message without a code and what is no error at all stay as they are', () => {
  const fault = new Fault('session.unknown')
  for (const thrown of [fault, new Error('my own'), 'text', undefined, null]) expect(orUnavailable(thrown, 'x')).toBe(thrown)
})
