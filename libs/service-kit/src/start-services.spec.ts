import { z } from 'zod'
import { Fault, topics, type RouteSpec } from '@curfew/contracts'
import { encodeEvent, type ReceivedEvent } from '@curfew/bus'
import { events } from '@curfew/contracts'
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, type DynamicModule } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { accepting } from './accept/accepting.http.js'
import { Access, CurrentCaller, type KnownCaller } from './access/access.http.js'
import { platformProviders } from './platform-providers.module.js'
import type { Platform, ServiceDefinition } from './service.js'
import { startServices, type RunningServices } from './start-services.adapter.js'
import { HandBus, testPlatform, type TestPlatform } from './test-platform.contract.js'

const TRANSPORT = Symbol('audit')
const note = z.strictObject({ text: z.string().max(20), deep: z.array(z.strictObject({ a: z.number() })).optional() })
const filter = z.strictObject({ q: z.string().optional(), limit: z.coerce.number().int().max(500).default(50) })
const seen: ReceivedEvent[] = []

@Controller()
class NotesHttp {
  @Post('v1/notes')
  @Access('audit:read')
  @HttpCode(201)
  write(@Body(accepting(note)) body: z.infer<typeof note>, @CurrentCaller() caller: KnownCaller) {
    return { body, caller }
  }

  @Get('v1/notes')
  @Access('audit:read')
  list(@Query(accepting(filter)) query: z.infer<typeof filter>) {
    return query
  }

  @Get('v1/notes/:id')
  @Access('audit:read')
  show(@Param('id') id: string) {
    if (id === 'none') throw new Fault('audit.unknown')
    if (id === 'broken') throw new Error('password=hunter2')
    return { id }
  }

  @Post('oauth2/notes')
  token(@Body(accepting(z.object({ grant_type: z.string() }))) body: { grant_type: string }) {
    return body
  }
}

@Controller()
class NotesConsumer {
  @EventPattern<string>(topics.sessions.name, TRANSPORT)
  on(@Payload() event: ReceivedEvent): void {
    seen.push(event)
    if (event.source === 'bad') throw new Fault('signal.unknown', { detail: 'nothing of the kind' })
  }
}

class NotesModule {}
Module({})(NotesModule)

const route = (method: 'GET' | 'POST', path: string, more: Partial<RouteSpec> = {}): RouteSpec =>
  ({ service: 'audit', method, path, summary: 'A note.', answers: { 200: z.object({}) }, ...(path.startsWith('/v1') && { scope: 'audit:read' as const }), ...more })

function sample(platform: Platform): ServiceDefinition {
  const module: DynamicModule = { module: NotesModule, controllers: [NotesHttp, NotesConsumer], providers: platformProviders(platform) }
  return {
    name: 'audit', module, transport: TRANSPORT, unready: () => undefined, close: () => Promise.resolve(),
    routes: [route('POST', '/v1/notes', { body: note }), route('GET', '/v1/notes', { query: filter }), route('GET', '/v1/notes/{id}'), route('POST', '/oauth2/notes')],
  }
}

let platform: TestPlatform
let services: RunningServices
let token: string

beforeAll(async () => {
  platform = testPlatform()
  services = await startServices({ definitions: [sample(platform)], platform, host: '127.0.0.1', port: 0 })
  token = await platform.token('audit:read')
})
afterAll(() => services.close())

const ask = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
  const answer = await fetch(services.url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) as Record<string, unknown> }
}
const post = (path: string, body: string, headers: Record<string, string> = {}) => ask(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

test('a caller with the scope is let in and known', async () => {
  const answer = await post('/v1/notes', '{"text":"hello"}')
  expect([answer.status, answer.json()]).toEqual([201, { body: { text: 'hello' }, caller: { tenant: 'default', clientId: 'ops', scopes: ['audit:read'], initiator: { kind: 'client', id: 'ops' } } }])
})

test('bad json', async () => {
  for (const [path, init] of [['/v1/notes/none', {}], ['/v1/notes/broken', {}], ['/v1/nothing', {}], ['/v1/notes', { method: 'DELETE' }], ['/v1/notes?x=1', {}], ['/v1/notes/1?x=1', {}], ['/readyz', {}], ['/%zz', {}]] as const) {
    const a = await ask(path, init)
    console.log(path, a.status, a.text, Object.fromEntries(a.headers))
  }
  const a = await post('/v1/notes', '{"text":1,"deep":[{"a":"x"}],"more":1}')
  console.log(a.status, a.text)
  await (platform.bus as HandBus).hand(encodeEvent(events.sessionEnded, 'k', { id: '1', source: 'bad', tenant: 'default' }, { tenant: 'default', sessionHash: 'h', subject: { issuer: 'i', sub: 's' }, endedAt: '2026-01-01T00:00:00Z', reason: 'x', revocationId: null }))
  console.log((platform.bus as HandBus).published, platform.lines.join(''))
  console.log((await ask('/metrics')).text.slice(0, 600))
})
