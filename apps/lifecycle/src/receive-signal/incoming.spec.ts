import type { ReceivedEvent } from '@curfew/bus'
import { events, structuredSignal } from '@curfew/contracts'
import { tenantId } from '@curfew/kernel'
import { signalOfBody, signalOfRecord } from './incoming.js'

const data = { subject: { sub: 'alice' }, occurredAt: '2026-11-23T20:15:04Z' }
const recordOf = (text: string, headers: Record<string, string> = {}): ReceivedEvent => ({
  id: 'e1', source: 'urn:hr', type: 'curfew.lifecycle.offboarded', tenant: tenantId('acme'), spec: events.signal, data,
  record: { topic: 'curfew.lifecycle.v1', partition: 0, offset: 0n, key: null, value: Buffer.from(text), timestamp: 0,
    headers: { ce_specversion: '1.0', ce_id: 'e1', ce_source: 'urn:hr', ce_type: 'curfew.lifecycle.offboarded', ...headers } },
})
const bodyOf = (over: object = {}) => structuredSignal.parse({ specversion: '1.0', id: 'e1', source: 'urn:hr', type: 'curfew.lifecycle.offboarded', data, ...over })

test('a record\'s data stays byte for byte, with its attributes as members beside it', () => {
  const text = ' {"subject":{"sub":"alice"},  "occurredAt":"2026-11-23T20:15:04Z","details":{"n":12345678901234567890,"z":"\\u0000"}}'
  const { verbatim } = signalOfRecord(recordOf(text, { CE_TraceId: 'abc', 'content-type': 'application/json' }))
  expect(verbatim).toBe(`{"specversion":"1.0","id":"e1","source":"urn:hr","type":"curfew.lifecycle.offboarded","traceid":"abc","data":${text}}`)
})

test('no header can stand in for the data, and a byte order mark does not break the text around it', () => {
  const { verbatim } = signalOfRecord(recordOf(`\uFEFF${JSON.stringify(data)}`, { ce_data: 'forged', ce_DATA: 'forged' }))
  expect((JSON.parse(verbatim) as { data: unknown }).data).toEqual(data)
})

test('a structured event keeps its extension attributes', () => {
  expect(JSON.parse(signalOfBody(tenantId('acme'), bodyOf({ traceid: 'abc', tenant: 'acme' })).verbatim)).toMatchObject({ traceid: 'abc', tenant: 'acme' })
})

test('an event that names another tenant than its sender\'s is refused', () => {
  for (const tenant of ['beta', 7, null]) expect(() => signalOfBody(tenantId('acme'), bodyOf({ tenant }))).toThrow(expect.objectContaining({ code: 'tenant.unknown' }))
})

test('one signal is the same by both doors, but for how it was sent', () => {
  const { verbatim: _, ...byTopic } = signalOfRecord(recordOf(JSON.stringify(data)))
  const { verbatim: __, ...byHttp } = signalOfBody(tenantId('acme'), bodyOf())
  expect(byTopic).toEqual(byHttp)
})
