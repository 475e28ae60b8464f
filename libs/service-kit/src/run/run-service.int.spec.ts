import { freePort, kafkaBrokers, redisUrl, startProcess, until, type TestProcess } from '@curfew/testing'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'

jest.setTimeout(60_000)

const root = join(process.cwd(), '../..')
const secret = 'hunter2-hunter2-hunter2'
const started: TestProcess[] = []
afterEach(async () => {
  for (const each of started.splice(0)) await each.close()
})

async function run(env: Record<string, string> = {}, readyWhen: (output: string) => boolean = (output) => output.includes('audit listens on http://')): Promise<{ process: TestProcess; url: string }> {
  const port = await freePort()
  const process = await startProcess({
    name: 'sample', args: ['--import', join(root, 'tools/typescript-source.mjs'), join(root, 'libs/service-kit/src/run/sample-main.contract.ts')], readyWhen,
    env: {
      CURFEW_HTTP_PORT: String(port), CURFEW_DATABASE_URL: 'postgres://user:hunter2@127.0.0.1/none', CURFEW_KAFKA_BROKERS: kafkaBrokers().join(','), CURFEW_REDIS_URL: redisUrl(),
      CURFEW_BOOTSTRAP_CLIENT_ID: 'admin', CURFEW_BOOTSTRAP_CLIENT_SECRET: secret, CURFEW_SESSION_URL: `http://127.0.0.1:${await freePort()}`, CURFEW_REVOCATION_URL: `http://127.0.0.1:${await freePort()}`, ...env,
    },
  })
  started.push(process)
  return { process, url: `http://127.0.0.1:${port}` }
}

async function serving(answer: (path: string) => [number, string]): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const [status, body] = answer(request.url ?? '')
    request.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/json' }).end(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked, server }
}

const readiness = async (url: string) => (await (await fetch(`${url}/readyz`)).json() as { reasons?: string[] }).reasons ?? []

test('a service listens before its neighbours are there, and says what it waits for', async () => {
  const { process, url } = await run()
  expect(process.output()).toContain(`audit listens on ${url}\n`)
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  expect(await readiness(url)).toEqual([expect.stringMatching(/^no signing keys could be had from http:/)])
  const answer = await fetch(`${url}/v1/notes`, { headers: { authorization: 'Bearer x.y.z' } })
  expect(answer.status).toBe(401)
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('nodejs_eventloop_lag_seconds')
})

test('once its issuer\'s keys are there, only the feed of callers is missing', async () => {
  const session = await serving((path) => (path === '/.well-known/jwks.json' ? [200, '{"keys":[]}'] : [503, '{}']))
  const { url } = await run({ CURFEW_SESSION_URL: session.url })
  await until(async () => (await readiness(url)).every((reason) => reason.startsWith('the denylist of callers is not ready')), { timeoutMs: 10_000, what: 'the keys to be known' })
  session.server.close()
})

test('the configuration is logged without secrets, and a signal ends the process in order', async () => {
  const { process } = await run()
  expect(process.output()).toContain('the configuration in effect')
  expect(process.output()).toContain('"stalenessBudgetMs":60000')
  process.kill('SIGTERM')
  expect(await process.exit).toEqual({ code: 0, signal: null })
  expect(process.output()).not.toContain('hunter2')
})

test('traces are sent to the collector that is named, at the latest when the process ends', async () => {
  const collector = await serving(() => [200, '{}'])
  const { process, url } = await run({ CURFEW_OTLP_URL: collector.url })
  await fetch(`${url}/v1/notes`)
  process.kill('SIGINT')
  await process.exit
  expect(collector.asked).toContain('POST /v1/traces')
  collector.server.close()
})

test.each([
  ['a configuration that is wrong', { CURFEW_BOOTSTRAP_CLIENT_SECRET: 'short', CURFEW_STALENESS_BUDGET: '1' }, 'CURFEW_STALENESS_BUDGET: is not a variable of Curfew'],
  ['a service that cannot be composed', { CURFEW_TEST_FAULT: 'compose' }, 'the schema is of a later release'],
  ['a rejection that nobody caught', { CURFEW_TEST_FAULT: 'rejection' }, 'nobody waits for this'],
])('%s ends the process with status 1 and the reason', async (_what, env, reason) => {
  const { process } = await run(env, (output) => output.includes(reason)).catch((error: Error) => {
    expect(error.message).toContain(reason)
    return { process: undefined }
  })
  if (process) {
    expect(await process.exit).toEqual({ code: 1, signal: null })
    expect(process.output()).toContain(reason)
  }
})

test('a port that is taken ends the process with status 1 and says so', async () => {
  const first = await run()
  await expect(run({ CURFEW_HTTP_PORT: new URL(first.url).port })).rejects.toThrow('EADDRINUSE')
})

test('Kafka and Redis that are not there keep nobody from listening', async () => {
  const { url } = await run({ CURFEW_KAFKA_BROKERS: `127.0.0.1:${await freePort()}`, CURFEW_REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  await until(async () => (await readiness(url)).some((reason) => reason.startsWith('the message bus')), { timeoutMs: 10_000, what: 'the bus to be missed' })
})
