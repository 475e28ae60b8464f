import { sessionRequest, type IssuedSession, type SessionRequest } from '@curfew/contracts'
import { Access, accepting, CurrentCaller, idempotencyOf, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, Post, Req } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { IssueSessionHandler } from './issue-session.handler.js'

@Controller()
export class IssueSessionHttp {
  constructor(private readonly issuing: IssueSessionHandler) {}

  @Post('v1/sessions')
  @Access('sessions:issue')
  issue(
    @Body(accepting(sessionRequest)) request: SessionRequest, @CurrentCaller() caller: KnownCaller, @Req() http: FastifyRequest,
  ): Promise<IssuedSession> {
    return this.issuing.handle({ caller, request, idempotencyKey: idempotencyOf(http) })
  }
}
