import { variables } from '@curfew/contracts'
import { announcement, edgeIn, prefixed, servicesIn } from './programs.js'

const surroundings = { kafka: '127.0.0.1:9092', database: 'postgres://127.0.0.1/curfew', redis: 'redis://127.0.0.1', clientId: 'admin', clientSecret: 'for this spec only' }
const programs = [...servicesIn(surroundings), ...edgeIn(surroundings)]

test('four services, an upstream and two gateways, each at an address of its own', () => {
  expect(programs.map(({ name }) => name)).toEqual(['session', 'revocation', 'lifecycle', 'audit', 'upstream', 'gateway-1', 'gateway-2'])
  expect(new Set(programs.flatMap(({ url, readyUrl }) => [new URL(url).port, new URL(readyUrl).port])).size).toBe(9)
})

test('a program is told only variables that it reads', () => {
  const wrong = programs.flatMap(({ name, env }) => Object.keys(env).filter((variable) => !variables[variable]?.readBy.includes(name.replace(/-\d$/, ''))).map((variable) => `${name} ${variable}`))
  expect(wrong).toEqual([])
})

test('a gateway gets no database', () => {
  expect(edgeIn(surroundings).flatMap(({ env }) => Object.keys(env))).not.toContain('CURFEW_DATABASE_URL')
})

test('the announcement names every address and the credentials', () => {
  const text = announcement(surroundings, programs)
  for (const value of [...programs.map(({ url }) => url), ...Object.values(surroundings)]) expect(text).toContain(value)
})

test('a line is told whole, by whoever said it', () => {
  const first = prefixed('session', '', 'one\ntw')
  expect(first).toEqual({ lines: ['session    | one'], rest: 'tw' })
  expect(prefixed('session', first.rest, 'o\n')).toEqual({ lines: ['session    | two'], rest: '' })
})
