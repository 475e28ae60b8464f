import { until } from '@curfew/testing'
import { Heard, sampleService } from '../sample-service.contract.js'
import { startServices, type RunningServices } from '../start-services.adapter.js'
import { startTelemetry } from '../telemetry/telemetry.adapter.js'
import { testPlatform, type TestPlatform } from '../test-platform.contract.js'
import { reasonsAgainst } from './readiness.js'

jest.setTimeout(20_000)
startTelemetry({ service: 'spec' })

let platform: TestPlatform
let heard: Heard
let services: RunningServices
const start = (drainMs?: number) => startServices({ definitions: [sampleService(platform, heard)], platform, host: '127.0.0.1', port: 0, ...(drainMs === undefined ? {} : { drainMs }) })
const get = async (path: string) => fetch(services.url + path, { headers: { authorization: `Bearer ${await platform.token('audit:read')}` } })

beforeEach(async () => {
  platform = testPlatform()
  heard = new Heard()
  services = await start()
})
afterEach(() => services.close())

function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { passed, open: () => open() }
}

describe('readiness', () => {
  test('is each part\'s own to deny, with its reason; being alive is not', async () => {
    expect([(await get('/readyz')).status, await (await get('/readyz')).json()]).toEqual([200, { status: 'ready' }])
    heard.unready = 'the database does not answer'
    const answer = await get('/readyz')
    expect([answer.status, await answer.json()]).toEqual([503, { status: 'unready', reasons: ['the database does not answer'] }])
    expect((await get('/livez')).status).toBe(200)
  })

  test('a check that throws, or does not answer, is a reason that says nothing of its inside', async () => {
    const checks = { one: () => Promise.reject(new Error('hunter2')), two: () => { throw new Error('hunter2') }, three: () => new Promise<undefined>(() => undefined), four: () => undefined }
    expect(await reasonsAgainst(checks, 20)).toEqual(['one fails', 'two fails', 'three does not answer'])
  })
})

describe('the end', () => {
  test('lets a running request finish, takes no new connection, and closes the service last', async () => {
    const slow = gate()
    heard.slow = slow.passed
    const running = get('/v1/notes/slow')
    await until(() => heardOf('slow'), { timeoutMs: 5_000, what: 'the request to be running' })
    const closing = services.close()
    await until(() => fetch(`${services.url}/livez`).then(() => false, () => true), { timeoutMs: 5_000, what: 'new connections to be refused' })
    expect(heard.closed).toBe(0)
    slow.open()
    const answer = await running
    expect([answer.status, await answer.json()]).toEqual([200, { id: 'slow' }])
    await closing
    expect(heard.closed).toBe(1)
  })

  test('cuts off what does not finish within its bound', async () => {
    await services.close()
    services = await start(50)
    heard.slow = new Promise(() => undefined)
    const running = get('/v1/notes/slow').then(() => 'answered', () => 'cut off')
    await until(() => heardOf('slow'), { timeoutMs: 5_000, what: 'the request to be running' })
    await services.close()
    expect(await running).toBe('cut off')
  })

  test('comes once, however often it is asked for, and a service that fails to close does not keep the others open', async () => {
    const other = new Heard()
    const failing = { ...sampleService(platform), close: () => Promise.reject(new Error('no')) }
    const both = await startServices({ definitions: [{ ...failing, name: 'session' as const, routes: [], module: { module: class Empty {} } }, sampleService(platform, other)], platform: testPlatform(), host: '127.0.0.1', port: 0 })
    await Promise.all([both.close(), both.close()])
    expect(other.closed).toBe(1)
  })
})

// The access log comes after the answer, so what runs is seen by what it has asked for.
const heardOf = (_id: string): boolean => platform.callers.asked > 0

test('a handler runs in the trace its caller began, also after its body was read', async () => {
  await fetch(`${services.url}/v1/notes`, {
    method: 'POST', body: '{"text":"x"}',
    headers: { authorization: `Bearer ${await platform.token('audit:read')}`, 'content-type': 'application/json', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  })
  expect(heard.traceparents).toEqual([expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/)])
})
