import { decodeEvent, type BusRecord, type OutgoingRecord } from '@curfew/bus'
import { events, topics } from '@curfew/contracts'
import { MapDenylist } from '@curfew/denylist'
import { instant, toIso } from '@curfew/kernel'
import fc from 'fast-check'
import { aheadToleranceMs, applyRecord, type RecordTarget } from './apply-record.js'
import { acme, feedKey, revocation, revocationRecord, sessionFacts, signed, start, topic, watermark } from './scripted-parts.contract.js'
import { feedKeys } from './signature.js'
import { Watermarks } from './watermarks.js'

const key = feedKey('k1')
const now = instant(start)
const target = (): RecordTarget => ({ denylist: new MapDenylist(), watermarks: new Watermarks(), keys: feedKeys([key.jwk]), primaryNowAtMost: now, decode: decodeEvent })
const at0 = (record: OutgoingRecord): BusRecord => ({ ...record, partition: 0, offset: 0n, timestamp: start })
const withHeaders = (record: OutgoingRecord, headers: Record<string, string | undefined>): OutgoingRecord =>
  ({ ...record, headers: Object.fromEntries(Object.entries({ ...record.headers, ...headers }).filter((pair): pair is [string, string] => pair[1] !== undefined)) })
const session = { kind: 'session', id: 's1' } as const

test('an authentic revocation kills what it names, and a watermark then advances', () => {
  const to = target()
  expect(applyRecord(at0(revocation(key, session, null)), to)).toEqual({ kind: 'applied' })
  expect(applyRecord(at0(watermark(key, start - 5)), to)).toEqual({ kind: 'applied' })
  expect([to.denylist.verdictOn(sessionFacts('s1'), now), to.denylist.verdictOn(sessionFacts('s2'), now), to.watermarks.value]).toEqual(['revoked', 'allowed', start - 5])
})

test('a key named for every tenant kills in every tenant', () => {
  const to = target()
  applyRecord(at0(revocation(key, { kind: 'key', kid: 'stolen', issuer: 'https://i.test' }, null, { everyTenant: true })), to)
  const facts = { ...sessionFacts('s'), tenant: 'other' as typeof acme, hops: [{ kid: 'stolen', issuer: 'https://i.test' }] as [object] }
  expect(to.denylist.verdictOn(facts, now)).toBe('revoked')
})

test('a quarantine holds until the later version releases it, in any order', () => {
  const flag = (version: number, quarantined: boolean) => signed(key, events.quarantineChanged, {
    tenant: acme, agentId: 'bot', version, quarantined, forgetAfter: toIso(now), initiator: { kind: 'client', id: 'ops' }, reason: { code: 'test' },
  })
  const facts = { ...sessionFacts('s'), hops: [{ agentId: 'bot' }] as [object] }
  const held = target()
  applyRecord(at0(flag(1, true)), held)
  expect(held.denylist.verdictOn(facts, now)).toBe('revoked')
  const released = target()
  for (const record of [flag(2, false), flag(1, true)]) applyRecord(at0(record), released)
  expect(released.denylist.verdictOn(facts, now)).toBe('allowed')
})

describe('a record that a stranger could have written', () => {
  const good = revocation(key, session, null)
  const other = feedKey('k1')
  test.each<[string, OutgoingRecord]>([
    ['without a signature', withHeaders(good, { 'curfew-signature': undefined })],
    ['without a value', { ...good, value: null }],
    ['with a value of its own', { ...good, value: Buffer.from('{}') }],
    ['with no headers', { ...good, headers: {} }],
    ['with another id', withHeaders(good, { ce_id: 'x' })],
    ['with another tenant', withHeaders(good, { ce_tenant: 'acme' })],
    ['with another type', withHeaders(good, { ce_type: events.watermarkAdvanced.type })],
    ['claiming another schema version', withHeaders(good, { ce_dataschema: `https://curfew.dev/schemas/${events.revocationDecided.type}/2` })],
    ['claiming a schema that is none', withHeaders(good, { ce_dataschema: 'nonsense' })],
    ['with two spellings of one header', withHeaders(good, { CE_TYPE: 'x' })],
    ['signed by another holder of the key id', revocation(other, session, null)],
    ['that is not JSON', { topic, key: null, value: Buffer.from([0xff, 0x00]), headers: { 'curfew-signature': 'k1.' + 'A'.repeat(86) } }],
  ])('%s is skipped, and freezes nothing', (_what, record) => {
    const to = target()
    expect(applyRecord(at0(record), to).kind).toBe('not_authentic')
    applyRecord(at0(watermark(key, start)), to)
    expect([to.denylist.size, to.watermarks.value]).toEqual([0, start])
  })

  test('under a key id nobody knows says so, so that newer keys can be asked for', () => {
    expect(applyRecord(at0(revocation(feedKey('k2'), session, null)), target())).toEqual({ kind: 'unknown_key', kid: 'k2' })
  })

  test.each([{ 'content-type': 'text/plain' }, { ce_specversion: '9' }, { ce_time: 'never' }, { ce_specversion: undefined, 'content-type': undefined }])(
    'around an authentic value, in headers %j that are not signed, changes nothing', (headers) => {
      expect(applyRecord(at0(withHeaders(good, headers)), target())).toEqual({ kind: 'applied' })
    })

  test('never throws, whatever it holds', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const headers = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(good.headers)), text), fc.oneof(fc.constantFrom(...Object.values(good.headers)), text))
    fc.assert(fc.property(headers, fc.option(fc.uint8Array({ maxLength: 40 })), (some, bytes) => {
      const to = target()
      const outcome = applyRecord(at0({ topic, key: null, value: bytes === null ? null : Buffer.from(bytes), headers: some }), to)
      expect(['not_authentic', 'unknown_key']).toContain(outcome.kind)
      expect(to.watermarks.frozenPartitions).toEqual([])
    }))
  })
})

describe('an authentic record that is not understood freezes its partition (PROTOCOL section 5)', () => {
  const valid = revocationRecord(session, null)
  test.each<[string, OutgoingRecord]>([
    ['of a type nobody knows here', signed(key, { ...events.revocationDecided, type: 'curfew.planet.moved' }, valid)],
    ['of a newer version', signed(key, events.revocationDecided, valid, { version: 2 })],
    ['of an event of another topic', signed(key, { ...events.sessionEnded, topic: topics.revocations } as never, valid as never)],
    ['with an unknown member', signed(key, events.revocationDecided, { ...valid, more: true } as never)],
    ['whose scope and cutoff disagree', signed(key, events.revocationDecided, { ...valid, cutoff: toIso(now) })],
    ['that names more than a key in every tenant', signed(key, events.revocationDecided, { ...valid, everyTenant: true })],
  ])('%s', (_what, record) => {
    const to = target()
    applyRecord(at0(watermark(key, start - 10)), to)
    expect(applyRecord(at0(record), to).kind).toBe('not_understood')
    applyRecord(at0(watermark(key, start)), to)
    expect([to.denylist.size, to.watermarks.value, to.watermarks.frozenPartitions]).toEqual([0, start - 10, [0]])
  })
})

describe('an instant beyond what the primary can have shown (PROTOCOL section 6)', () => {
  const subject = { kind: 'subject', issuer: 'https://i.test', sub: 'alice' } as const

  test('as a cutoff is refused, and no later watermark covers what was refused', () => {
    const to = target()
    expect(applyRecord(at0(revocation(key, subject, start + aheadToleranceMs + 1)), to).kind).toBe('ahead_of_time')
    applyRecord(at0(watermark(key, start)), to)
    expect([to.denylist.size, to.watermarks.value]).toEqual([0, undefined])
  })

  test('as a cutoff within the tolerance of two primaries is obeyed', () => {
    expect(applyRecord(at0(revocation(key, subject, start + aheadToleranceMs)), target()).kind).toBe('applied')
  })

  test('as a watermark is refused; within the tolerance it is merely not believed yet', () => {
    const to = target()
    expect(applyRecord(at0(watermark(key, start + aheadToleranceMs + 1)), to).kind).toBe('ahead_of_time')
    expect(applyRecord(at0(watermark(key, start + 1)), to).kind).toBe('applied')
    expect(to.watermarks.value).toBeUndefined()
    applyRecord(at0(watermark(key, start)), to)
    expect(to.watermarks.value).toBe(start)
  })
})
