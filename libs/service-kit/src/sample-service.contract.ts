import type { ReceivedEvent } from '@curfew/bus'
import { Fault, topics, type RouteSpec } from '@curfew/contracts'
import { Body, Controller, Delete, Get, HttpCode, Module, Param, Post, Query, Res, type DynamicModule } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { accepting } from './accept/accepting.http.js'
import { Access, CurrentCaller, type KnownCaller } from './access/access.http.js'
import { platformProviders } from './platform-providers.module.js'
import { OAuthFault } from './problems/oauth-error.js'
import { CallerVerdicts, type Platform, type ServiceDefinition } from './service.js'
import { currentTraceparent } from './telemetry/telemetry.adapter.js'

/** A service of nothing but notes: what the kit's own specs serve. */

const TRANSPORT = Symbol('audit')
const note = z.strictObject({ text: z.string().max(20), deep: z.array(z.strictObject({ a: z.number() })).optional() })
const filter = z.strictObject({ q: z.string().optional(), limit: z.coerce.number().int().max(500).default(50) })
const form = z.object({ grant_type: z.string() })

/** What the sample was given, and what a spec wants of it. */
export class Heard {
  readonly events: ReceivedEvent[] = []
  readonly traceparents: (string | undefined)[] = []
  closed = 0
  /** What the handler does with its next events. */
  onEvent: (event: ReceivedEvent) => unknown = () => undefined
  /** What `GET /v1/notes/slow` waits for. */
  slow: Promise<unknown> = Promise.resolve()
  unready: string | undefined
}

@Controller()
class NotesHttp {
  constructor(private readonly heard: Heard) {}

  @Post('v1/notes')
  @Access('audit:read')
  write(@Body(accepting(note)) body: z.infer<typeof note>, @CurrentCaller() caller: KnownCaller) {
    this.heard.traceparents.push(currentTraceparent())
    return { body, caller }
  }

  @Get('v1/notes')
  @Access('audit:read')
  list(@Query(accepting(filter)) query: z.infer<typeof filter>) {
    return query
  }

  @Get('v1/notes/:id')
  @Access('audit:read')
  async show(@Param('id') id: string, @Res({ passthrough: true }) reply: FastifyReply) {
    if (id === 'none') throw new Fault('audit.unknown', { detail: 'no note of this id' }, { cause: new Error('select: password=hunter2') })
    if (id === 'broken') throw new TypeError('password=hunter2')
    if (id === 'overloaded') throw new Fault('service.overloaded')
    if (id === 'accepted') void reply.status(202)
    if (id === 'slow') await this.heard.slow
    return { id }
  }

  @Delete('v1/notes/:id')
  @Access('admin')
  @HttpCode(204)
  remove(): void {
    return undefined
  }

  @Post('oauth2/notes')
  @HttpCode(200)
  grant(@Body(accepting(form)) body: z.infer<typeof form>) {
    if (body.grant_type === 'password') throw new OAuthFault('unsupported_grant_type', 'only client_credentials')
    if (body.grant_type === 'wrong') throw new OAuthFault('invalid_client', 'unknown client or wrong secret')
    if (body.grant_type === 'broken') throw new Error('password=hunter2')
    return body
  }
}

@Controller()
class NotesConsumer {
  constructor(private readonly heard: Heard) {}

  @EventPattern<string>(topics.sessions.name, TRANSPORT)
  async on(@Payload() event: ReceivedEvent): Promise<void> {
    this.heard.events.push(event)
    this.heard.traceparents.push(currentTraceparent())
    await this.heard.onEvent(event)
  }
}

class NotesModule {}
Module({})(NotesModule)

const route = (method: RouteSpec['method'], path: string, more: Partial<RouteSpec> = {}): RouteSpec =>
  ({ service: 'audit', method, path, summary: 'Notes <of> a sample.', answers: { 200: z.object({}) }, ...(path.startsWith('/v1') && { scope: 'audit:read' as const }), ...more })

export const sampleRoutes: readonly RouteSpec[] = [
  route('POST', '/v1/notes', { body: note }), route('GET', '/v1/notes', { query: filter }), route('GET', '/v1/notes/{id}'),
  route('DELETE', '/v1/notes/{id}', { scope: 'admin', answers: { 204: null } }), route('POST', '/oauth2/notes', { form }),
]

export function sampleService(platform: Platform, heard = new Heard(), parts: Partial<ServiceDefinition> & { callers?: CallerVerdicts } = {}): ServiceDefinition {
  const module: DynamicModule = {
    module: NotesModule, controllers: [NotesHttp, NotesConsumer],
    providers: [...platformProviders(platform, parts.callers ? { callers: parts.callers } : {}), { provide: Heard, useValue: heard }],
  }
  return {
    name: 'audit', module, transport: TRANSPORT, routes: sampleRoutes, unready: () => heard.unready,
    close: () => {
      heard.closed += 1
      return Promise.resolve()
    },
    ...parts,
  }
}
