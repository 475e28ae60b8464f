import { events, Fault, topics, type ProblemCode, type SignalData } from '@curfew/contracts'
import { instant } from '@curfew/kernel'
import { CloudEvent, Kafka } from 'cloudevents'
import { decodeEvent, encodeEvent, eventKey } from './cloud-event.js'
import type { BusRecord, OutgoingRecord } from './port.js'

const at = instant(1_795_500_000_123)
const data: SignalData = { subject: { sub: 'alice' }, occurredAt: '2026-11-23T20:15:04Z' }
const attributes = { id: 'e1', source: 'urn:hr', tenant: 'acme', time: at }
const type = 'curfew.lifecycle.password_reset'
const written = (): OutgoingRecord => encodeEvent(events.signal, eventKey('acme', 'alice'), attributes, data, type)
const received = (record: OutgoingRecord, changes: Partial<BusRecord> = {}): BusRecord =>
  ({ topic: record.topic, partition: 0, offset: 7n, key: record.key, value: record.value, headers: record.headers, timestamp: at, ...changes })
const withHeaders = (changes: Record<string, string | undefined>): BusRecord => {
  const headers = Object.entries({ ...written().headers, ...changes }).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return received(written(), { headers: Object.fromEntries(headers) })
}
const codeOf = (record: BusRecord): ProblemCode | undefined => {
  try {
    decodeEvent(record)
  } catch (error) {
    return error instanceof Fault ? error.code : undefined
  }
  return undefined
}

test('what is written is read back, with what surrounds it', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const event = decodeEvent(received(encodeEvent(events.signal, 'k', { ...attributes, traceparent, signature: 'kid.sig' }, data, type)))
  expect(event).toMatchObject({ id: 'e1', source: 'urn:hr', tenant: 'acme', time: at, type, traceparent, signature: 'kid.sig', data, spec: events.signal })
  expect(event.record.offset).toBe(7n)
  expect(decodeEvent(withHeaders({ traceparent: 'x'.repeat(5_000) })).traceparent).toBeUndefined()
})

test('an event is a CloudEvent in binary mode to others', () => {
  expect(written().headers).toEqual({
    ce_specversion: '1.0', ce_id: 'e1', ce_source: 'urn:hr', ce_type: type, ce_tenant: 'acme', ce_time: '2026-11-24T06:00:00.123Z',
    ce_dataschema: `https://curfew.dev/schemas/${type}/1`, 'content-type': 'application/json',
  })
})

test('the CloudEvents SDK reads what we write', () => {
  const { headers, value, key } = written()
  const theirs = Kafka.toEvent({ headers: { ...headers }, value: value as Buffer, key: key as string, body: undefined } as never) as CloudEvent<SignalData>
  expect(theirs).toMatchObject({ id: 'e1', source: 'urn:hr', type, specversion: '1.0', time: '2026-11-24T06:00:00.123Z', tenant: 'acme', data })
})

test('we read what the CloudEvents SDK writes', () => {
  const message = Kafka.binary(new CloudEvent({ id: 'e2', source: 'urn:idp', type, tenant: 'acme', datacontenttype: 'application/json; charset=utf-8', data }))
  const headers = Object.fromEntries(Object.entries(message.headers).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]))
  const event = decodeEvent(received(written(), { headers, value: Buffer.from(JSON.stringify(message.value)) }))
  expect(event).toMatchObject({ id: 'e2', source: 'urn:idp', tenant: 'acme', data })
})

test('header names are case-insensitive, a missing tenant is the default one, a missing schema is version 1', () => {
  const { headers } = withHeaders({ ce_tenant: undefined, ce_dataschema: undefined, ce_time: undefined })
  const shouted = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]))
  expect(decodeEvent(received(written(), { headers: shouted }))).toMatchObject({ tenant: 'default', time: undefined, id: 'e1' })
})

test.each<[string, BusRecord, ProblemCode]>([
  ['no id', withHeaders({ ce_id: undefined }), 'event.unreadable'],
  ['an empty source', withHeaders({ ce_source: '' }), 'event.unreadable'],
  ['an id with a NUL', withHeaders({ ce_id: 'a\u0000b' }), 'event.unreadable'],
  ['an endless id', withHeaders({ ce_id: 'x'.repeat(513) }), 'event.unreadable'],
  ['another specification', withHeaders({ ce_specversion: '0.3' }), 'event.unreadable'],
  ['a tenant that is none', withHeaders({ ce_tenant: '../other' }), 'event.unreadable'],
  ['a time that is none', withHeaders({ ce_time: 'yesterday' }), 'event.unreadable'],
  ['structured mode', withHeaders({ 'content-type': 'application/cloudevents+json' }), 'event.unreadable'],
  ['no headers at all', received(written(), { headers: {} }), 'event.unreadable'],
  ['a null value', received(written(), { value: null }), 'event.unreadable'],
  ['an empty value', received(written(), { value: Buffer.alloc(0) }), 'event.unreadable'],
  ['no JSON', received(written(), { value: Buffer.from('{"subject":') }), 'event.unreadable'],
  ['no UTF-8', received(written(), { value: Buffer.from([0x22, 0xff, 0x22]) }), 'event.unreadable'],
  ['another topic\'s type', withHeaders({ ce_type: 'curfew.revocation.decided' }), 'event.type_unknown'],
  ['a topic nobody declared', received(written(), { topic: 'curfew.nothing.v1' }), 'event.type_unknown'],
  ['a later version', withHeaders({ ce_dataschema: `https://curfew.dev/schemas/${type}/2` }), 'event.version_unknown'],
  ['another\'s schema', withHeaders({ ce_dataschema: 'https://example.org/mine' }), 'event.version_unknown'],
  ['data of another shape', received(written(), { value: Buffer.from('{"subject":"alice"}') }), 'event.invalid'],
  ['deep nesting', received(written(), { value: Buffer.from('['.repeat(400_000) + ']'.repeat(400_000)) }), 'event.invalid'],
  ['5 MB', received(written(), { value: Buffer.alloc(5_000_000, 0x20) }), 'record.too_large'],
])('%s is refused by its own code', (_, record, code) => {
  expect(codeOf(record)).toBe(code)
})

test('an invalid event says where, and does not quote what it says', () => {
  const value = Buffer.from(JSON.stringify({ subject: { sub: 'alice' }, occurredAt: 'secret-looking', extra: 1 }))
  expect(() => decodeEvent(received(written(), { value }))).toThrow(expect.objectContaining({ details: expect.objectContaining({ detail: expect.stringContaining('/occurredAt: ') }) }))
  expect(() => decodeEvent(received(written(), { value }))).not.toThrow('secret-looking')
})

test('a writer is told that its event is too large before it is sent', () => {
  const much = { ...data, details: { note: 'x'.repeat(topics.lifecycle.takesBytes) } }
  expect(() => encodeEvent(events.signal, 'k', attributes, much, type)).toThrow(Fault)
})

test('a family of types is none', () => {
  expect(() => encodeEvent(events.signal, 'k', attributes, data)).toThrow('name one')
})

test('no two lists of names make one key', () => {
  expect(eventKey('a', 'b","c')).not.toBe(eventKey('a', 'b', 'c'))
  expect(eventKey('acme', 'alice')).toBe('["acme","alice"]')
})
