import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReceivedEvent } from '@curfew/bus'
import { topics, type RouteSpec } from '@curfew/contracts'
import { Body, Controller, Module, Post, type DynamicModule } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { z } from 'zod'
import { Access, accepting, CurrentCaller, platformProviders, ServiceClock, startServices, type Compose, type KnownCaller } from './index.js'
import { testPlatform } from './test-platform.contract.js'

// The example begins here.
const TRANSPORT = Symbol('audit')
const greeting = z.strictObject({ name: z.string().min(1) })

@Controller()
class GreetingsHttp {
  constructor(private readonly clock: ServiceClock) {}

  @Post('v1/greetings')
  @Access('audit:read')
  greet(@Body(accepting(greeting)) body: z.infer<typeof greeting>, @CurrentCaller() caller: KnownCaller) {
    return { text: `Hello ${body.name}`, tenant: caller.tenant, at: this.clock.now() }
  }
}

@Controller()
class SessionsConsumer {
  @EventPattern<string>(topics.sessions.name, TRANSPORT)
  on(@Payload() _event: ReceivedEvent): void {
    // Throw a Fault here: its `onConsume` says park, retry or halt.
  }
}

@Module({})
class GreetingsModule {}

const routes: RouteSpec[] = [{
  service: 'audit', method: 'POST', path: '/v1/greetings', scope: 'audit:read', summary: 'Greet somebody.', body: greeting, answers: { 201: z.object({ text: z.string() }) },
}]

const compose: Compose = (platform) => {
  const module: DynamicModule = { module: GreetingsModule, controllers: [GreetingsHttp, SessionsConsumer], providers: platformProviders(platform) }
  return Promise.resolve({ name: 'audit', module, transport: TRANSPORT, routes, unready: () => undefined, close: () => Promise.resolve() })
}
// The example ends here.

test('the README\'s example is this one, and works', async () => {
  const platform = testPlatform()
  const services = await startServices({ definitions: [await compose(platform)], platform, host: '127.0.0.1', port: 0 })
  const greet = (body: object, token: string) => fetch(`${services.url}/v1/greetings`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } })
  const token = await platform.token('audit:read')
  expect([(await greet({ name: 'Alice' }, token)).status, (await greet({ nam: 'Alice' }, token)).status, (await greet({ name: 'Alice' }, await platform.token('gateway'))).status]).toEqual([201, 400, 403])
  await services.close()

  const [, example] = /\/\/ The example begins here\.\n([\s\S]*?)\n\/\/ The example ends here\./.exec(readFileSync(join(process.cwd(), 'src/readme.spec.ts'), 'utf8')) ?? []
  expect(readFileSync(join(process.cwd(), 'README.md'), 'utf8')).toContain(example)
})
