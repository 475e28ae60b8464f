import { Fault, quarantineRecord, revocationsRetentionMs } from '@curfew/contracts'
import { defaultTenant, instant, toIso } from '@curfew/kernel'
import { quarantine, type QuarantineCommand } from './quarantine.js'

const now = instant(1_795_500_000_000)
const hold: QuarantineCommand = { id: '0197c0de-0000-7000-8000-000000000001', agentId: 'bot', quarantined: true, initiator: { kind: 'person', id: 'alice' } }

test('versions are the primary\'s microseconds, and grow even when its clock was set back', () => {
  expect(quarantine(defaultTenant, hold, 0, now).version).toBe(now * 1000)
  expect(quarantine(defaultTenant, hold, now * 1000 + 7, now).version).toBe(now * 1000 + 8)
})

test('a release ends nothing early: it is kept as long as the topic keeps the hold it undoes', () => {
  const release = quarantine(defaultTenant, { ...hold, quarantined: false, until: toIso(instant(now - 1)) }, 0, now)
  expect(release).not.toHaveProperty('until')
  expect(Date.parse(release.forgetAfter)).toBeGreaterThanOrEqual(now + revocationsRetentionMs)
})

test('a hold that ends by itself is kept past that end, and cannot have ended before it began', () => {
  const until = instant(now + 90 * 86_400_000)
  expect(Date.parse(quarantine(defaultTenant, { ...hold, until: toIso(until) }, 0, now).forgetAfter)).toBeGreaterThan(until)
  expect(() => quarantine(defaultTenant, { ...hold, until: toIso(now) }, 0, now)).toThrow(Fault)
})

test('what is decided is a valid record', () => {
  const record = quarantine(defaultTenant, { ...hold, until: '2027-01-01T00:00:00+01:00' }, 0, now)
  expect(quarantineRecord.parse(record)).toEqual(record)
  expect(record.until).toBe('2026-12-31T23:00:00.000Z')
})
