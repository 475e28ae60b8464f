import { ManualClock } from '@curfew/kernel'
import { exportJWK, type JSONWebKeySet, type JWK } from 'jose'
import { jwksKeySource } from './key-source.js'
import { pair, type Pair } from './tokens-under-test.contract.js'

const cooldownMs = 10_000
const maxAgeMs = 60_000
let clock: ManualClock
let keys: JWK[]
let fetched: number
let errors: unknown[]
let fetchJwks: () => Promise<JSONWebKeySet>
let first: Pair
let second: Pair

beforeAll(async () => {
  first = await pair('ES256', 'k1')
  second = await pair('ES256', 'k2')
})
beforeEach(async () => {
  clock = new ManualClock(0)
  keys = [await jwk(first)]
  fetched = 0
  errors = []
  fetchJwks = async () => ({ keys })
})

const jwk = async (of: Pair, more: object = {}): Promise<JWK> => ({ ...(await exportJWK(of.publicKey)), kid: of.kid, ...more })
const source = () => jwksKeySource(() => {
  fetched += 1
  return fetchJwks()
}, { cooldownMs, maxAgeMs, clock, onError: (error) => errors.push(error) })

test('a known key is fetched and imported once', async () => {
  const from = source()
  const found = await Promise.all(Array.from({ length: 20 }, () => from.key('k1', 'ES256')))
  expect([fetched, new Set(found).size, found[0]?.type]).toEqual([1, 1, 'public'])
})

describe('an unknown key id', () => {
  test('is looked for in a newer set: rotation needs no restart', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    keys = [...keys, await jwk(second)]
    clock.advance(cooldownMs)
    expect(await from.key('k2', 'ES256')).toBeDefined()
    expect([await from.key('k1', 'ES256') !== undefined, fetched]).toEqual([true, 2])
  })

  test('invented by a stranger costs one fetch in the cooldown, however many there are', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    for (let n = 0; n < 1_000; n += 1) expect(await from.key(`invented-${n}`, 'ES256')).toBeUndefined()
    expect(fetched).toBe(1)
    clock.advance(cooldownMs)
    await Promise.all(Array.from({ length: 50 }, (_, n) => from.key(`more-${n}`, 'ES256')))
    expect(fetched).toBe(2)
  })

  test('does not slow down known ones', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    clock.advance(cooldownMs)
    fetchJwks = () => new Promise(() => undefined)
    void from.key('invented', 'ES256')
    expect(await from.key('k1', 'ES256')).toBeDefined()
  })
})

describe('a set grows old', () => {
  test('and is fetched anew beside the requests, which go on with the old one', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    clock.advance(maxAgeMs)
    let arrive = (_set: JSONWebKeySet): void => undefined
    fetchJwks = () => new Promise((resolve) => (arrive = resolve))
    expect(await from.key('k1', 'ES256')).toBeDefined()
    expect(fetched).toBe(2)
    arrive({ keys: [await jwk(second)] })
    await new Promise((resolve) => setImmediate(resolve))
    expect([await from.key('k1', 'ES256'), await from.key('k2', 'ES256') !== undefined]).toEqual([undefined, true])
  })

  test('twice as old it is waited for: a key that was withdrawn while nobody asked is not believed', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    keys = [await jwk(second)]
    clock.advance(2 * maxAgeMs)
    expect(await from.key('k1', 'ES256')).toBeUndefined()
  })

  test('while its issuer is away it still holds, for as long as that takes, and nobody waits', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    fetchJwks = () => Promise.reject(new Error('down'))
    for (let hour = 0; hour < 5; hour += 1) {
      clock.advance(3_600_000)
      expect(await from.key('k1', 'ES256')).toBeDefined()
    }
    fetchJwks = () => new Promise(() => undefined)
    clock.advance(cooldownMs)
    expect(await from.key('k1', 'ES256')).toBeDefined()
    expect(errors.length).toBe(5)
  })

  test('and once its issuer is back, what it withdrew is gone', async () => {
    const from = source()
    await from.key('k1', 'ES256')
    fetchJwks = () => Promise.reject(new Error('down'))
    clock.advance(maxAgeMs)
    await from.key('k1', 'ES256')
    fetchJwks = async () => ({ keys: [await jwk(second)] })
    clock.advance(cooldownMs)
    await from.key('k1', 'ES256')
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(await from.key('k1', 'ES256')).toBeUndefined()
  })
})

describe('a fetch that fails', () => {
  test('is told of, tried again after the cooldown, and never thrown', async () => {
    fetchJwks = () => Promise.reject(new Error('down'))
    const from = source()
    expect([await from.key('k1', 'ES256'), await from.key('k1', 'ES256'), fetched, errors.length]).toEqual([undefined, undefined, 1, 1])
    fetchJwks = async () => ({ keys })
    clock.advance(cooldownMs)
    expect(await from.key('k1', 'ES256')).toBeDefined()
  })

  test.each([null, undefined, {}, { keys: {} }, { keys: 'x' }, []])('because the set is %j leaves the old one in place', async (nonsense) => {
    const from = source()
    await from.key('k1', 'ES256')
    fetchJwks = async () => nonsense as unknown as JSONWebKeySet
    clock.advance(maxAgeMs)
    await from.key('k1', 'ES256')
    await new Promise((resolve) => setImmediate(resolve))
    expect([await from.key('k1', 'ES256') !== undefined, errors.length]).toEqual([true, 1])
  })
})

describe('a key is used only for what it is', () => {
  const found = async (...set: unknown[]) => {
    keys = set as JWK[]
    return (await source().key('k1', 'ES256')) !== undefined
  }

  test.each([{ use: 'sig' }, { alg: 'ES256' }, { key_ops: ['verify'] }, { unknown: 'member' }])('%j is as it should be', async (more) => expect(await found(await jwk(first, more))).toBe(true))

  test.each([{ use: 'enc' }, { alg: 'ES384' }, { alg: 'none' }, { key_ops: ['sign'] }, { key_ops: 'verify' }, { kty: 'oct' }, { crv: 'P-384' }, { d: 'private' }, { kid: 'k2' }, { kid: ['k1'] }])(
    '%j is another key\'s', async (more) => expect(await found(await jwk(first, more))).toBe(false))

  test('one that shows its private part is lost, and vouches for nothing', async () => {
    expect(await found({ ...(await exportJWK(first.privateKey)), kid: 'k1' })).toBe(false)
  })

  test('a secret of the same name is never handed out', async () => {
    expect(await found({ kty: 'oct', k: 'c2VjcmV0', kid: 'k1', alg: 'ES256' })).toBe(false)
  })

  test('of two with one id the one that fits is taken', async () => {
    const ed = await pair('EdDSA', 'k1')
    expect(await found(await jwk(ed), await jwk(first))).toBe(true)
  })

  test('one that cannot be imported is told of, and the others still serve', async () => {
    keys = [null, 1, { ...(await jwk(first)), x: '!' }, await jwk(second)] as JWK[]
    const from = source()
    expect([await from.key('k1', 'ES256'), await from.key('k2', 'ES256') !== undefined, errors.length]).toEqual([undefined, true, 1])
  })
})
