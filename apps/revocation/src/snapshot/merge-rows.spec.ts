import { entryOf, MapDenylist, selectorOf, type LiveRevocation } from '@curfew/denylist'
import { defaultTenant, instant, type TenantId } from '@curfew/kernel'
import fc from 'fast-check'
import { entryText, MergedEntries } from './merge-rows.js'

const acme = 'acme' as TenantId
const sessions = fc.uniqueArray(fc.constantFrom('s1', 's2', 's3'), { maxLength: 3 })
const revocations: fc.Arbitrary<LiveRevocation> = fc.record({
  tenant: fc.constantFrom(defaultTenant, acme), scope: fc.constantFrom(
    { kind: 'subject', issuer: 'i', sub: 'alice' } as const, { kind: 'tenant' } as const, { kind: 'client', clientId: 'web' } as const, { kind: 'session', id: 's1' } as const),
  cutoff: fc.nat(20).map(instant), except: sessions, forgetAfter: fc.nat(20).map(instant),
}).map((each) => (each.scope.kind === 'session' ? { ...each, cutoff: null, except: [] } : each))

const rowOf = ({ tenant, scope, cutoff, except, forgetAfter }: LiveRevocation) => ({ selector: selectorOf(tenant, scope), entry: entryOf(cutoff, except, forgetAfter) })

function streamed(some: readonly LiveRevocation[]): unknown[] {
  const merged = new MergedEntries()
  const found = some.map(rowOf).sort((a, b) => (a.selector < b.selector ? -1 : 1)).flatMap((row) => merged.push(row) ?? [])
  const last = merged.end()
  return [...found, ...(last === undefined ? [] : [last])].map((row) => JSON.parse(entryText(row)))
}

test('streamed by selector, revocations merge into the entries of the model, whatever they are', () => {
  fc.assert(fc.property(fc.array(revocations, { maxLength: 30 }), (some) => {
    const model = new MapDenylist()
    for (const each of some) model.apply(each)
    const sorted = streamed(some).map((entry) => ({ ...(entry as { exceptions: [string, number][] }), exceptions: (entry as { exceptions: [string, number][] }).exceptions.sort(([a], [b]) => (a < b ? -1 : 1)) }))
    expect(sorted).toEqual(JSON.parse(JSON.stringify(model.snapshot().entries)))
  }))
})

test('nothing makes nothing', () => expect(streamed([])).toEqual([]))
