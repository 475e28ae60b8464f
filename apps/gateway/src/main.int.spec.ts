import { freePort, kafkaBrokers, startProcess, until } from '@curfew/testing'
import { join } from 'node:path'
import { request } from 'undici'
import { ScriptedControlPlane } from './running-gateway.contract.js'

const program = ['--import', join(process.cwd(), '../../tools/typescript-source.mjs'), join(process.cwd(), 'src/main.ts')]
const enough = () => ({ CURFEW_BOOTSTRAP_CLIENT_ID: 'root', CURFEW_BOOTSTRAP_CLIENT_SECRET: 'sixteen-characters', CURFEW_KAFKA_BROKERS: kafkaBrokers().join(',') })

test('the process listens at once, registers under its host\'s name, refuses until it is ready, and leaves on SIGTERM', async () => {
  const plane = await ScriptedControlPlane.start()
  const [port, adminPort] = [await freePort(), await freePort()]
  const gateway = await startProcess({
    name: 'gateway', args: program, readyWhen: (output) => output.includes('the gateway listens'),
    env: { ...enough(), CURFEW_SESSION_URL: plane.url, CURFEW_REVOCATION_URL: plane.url, CURFEW_GATEWAY_PORT: String(port), CURFEW_GATEWAY_ADMIN_PORT: String(adminPort) },
  })
  const answer = await request(`http://127.0.0.1:${port}/`)
  expect([answer.statusCode, await answer.body.text()]).toEqual([503, expect.stringContaining('gateway.not_ready')])
  expect((await request(`http://127.0.0.1:${adminPort}/livez`)).statusCode).toBe(200)
  await until(() => plane.registered.size === 1, { timeoutMs: 10_000, what: 'the registration' })
  expect([...plane.registered.keys()][0]).toMatch(new RegExp(`-${port}$`))
  gateway.kill('SIGTERM')
  expect(await gateway.exit).toEqual({ code: 0, signal: null })
  expect(plane.registered.size).toBe(0)
  expect(gateway.output()).not.toContain('sixteen-characters')
  await Promise.all([gateway.close(), plane.close()])
}, 60_000)

test('a configuration that cannot be used ends it with every reason, and no stack', async () => {
  const starting = startProcess({ name: 'gateway', args: program, env: { ...enough(), CURFEW_GATEWAY_PORT: 'x', CURFEW_UNHEARD_OF: '1' }, readyWhen: () => false })
  await expect(starting).rejects.toThrow(/CURFEW_UNHEARD_OF: is not a variable of Curfew\n {2}CURFEW_GATEWAY_PORT: /)
  await expect(starting).rejects.not.toThrow(/\n {4}at /)
}, 60_000)
