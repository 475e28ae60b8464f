import { keptData, redaction } from './redact.js'

const sid = '0198c1f2-7d1c-7a10-9f3e-2b6a4c5d6e7f'
const hash = (id: string): string => `#${id.length}`
const redact = redaction([sid, 's1'], hash)
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'

test('a session id is replaced alone, inside a text, as a member name and in a list', () => {
  const kept = JSON.stringify(keptData({ id: sid, text: `ended ${sid}, twice ${sid}`, [sid]: [sid], deep: { er: { [`x${sid}`]: sid } } }, redact))
  expect(kept).not.toContain(sid)
  expect(kept).toContain('ended #36, twice #36')
})

test('a short session id is replaced where it stands alone, and other words that hold it stay', () => {
  expect(keptData({ id: 's1', text: 'tools1 and s1' }, redact)).toEqual({ id: '#2', text: 'tools1 and s1' })
})

test('of two ids, one the beginning of the other, the longer is taken where it stands', () => {
  expect(redaction(['session-1', 'session-10'], (id) => `<${id.length}>`)('session-10 session-1')).toBe('<10> <9>')
})

test('a token is removed wherever it is, whole or cut', () => {
  expect(redact(`Bearer ${jwt}!`)).toBe('Bearer [token]!')
  const kept = JSON.stringify(keptData({ text: `${'x'.repeat(1_000)} ${jwt}` }, redact))
  expect(kept).not.toContain('eyJ')
})

test('a cut leaves no part of an id behind, whatever was replaced before it', () => {
  for (let before = 900; before < 1_300; before += 7) {
    const kept = redact(`${sid.repeat(3)}${'x'.repeat(before)}${sid}${'y'.repeat(2_000)}`)
    expect([before, kept.includes(sid.slice(0, 8))]).toEqual([before, false])
    expect(kept.length).toBeLessThanOrEqual(1_025)
  }
})

test('what PostgreSQL cannot store is replaced, in names too', () => {
  expect(keptData({ 'a\0': 'b\0', c: '\ud800' }, redact)).toEqual({ 'a\uFFFD': 'b\uFFFD', c: '\uFFFD' })
})

test('large and odd data is bounded and says so', () => {
  const list = Array.from({ length: 250 }, (_, at) => at)
  expect(keptData({ list }, redact)).toEqual({ list: [...list.slice(0, 100), '[150 more]'] })
  expect(keptData(Object.fromEntries(list.map((at) => [`m${at}`, at])), redact)).toMatchObject({ m99: 99, '[more]': 150 })
  expect(keptData([[[[[[[[[1]]]]]]]]], redact)).toEqual([[[[[[[['[deeper]']]]]]]]])
  expect(keptData({ wide: Array.from({ length: 100 }, () => 'x'.repeat(1_000)) }, redact)).toEqual({ omitted: expect.stringContaining('bytes') })
  expect(keptData(JSON.parse('{"__proto__":{"x":1}}'), redact)).toEqual(JSON.parse('{"__proto__":{"x":1}}'))
  expect(keptData(undefined, redact)).toBeNull()
})
