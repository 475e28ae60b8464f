import { Fault, sessionRequest, type IssuedSession, type SessionRequest } from '@curfew/contracts'
import { Access, accepting, CurrentCaller, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, Headers, Post } from '@nestjs/common'
import { IssueSessionHandler } from './issue-session.handler.js'

@Controller()
export class IssueSessionHttp {
  constructor(private readonly issuing: IssueSessionHandler) {}

  @Post('v1/sessions')
  @Access('sessions:issue')
  issue(
    @Body(accepting(sessionRequest)) request: SessionRequest, @CurrentCaller() caller: KnownCaller, @Headers('idempotency-key') key: string | undefined,
  ): Promise<IssuedSession> {
    return this.issuing.handle({ caller, request, idempotencyKey: idempotencyKeyOf(key) })
  }
}

/** A client's own name for a request: visible ASCII. Fault `request.invalid` for anything else. */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x21-\x7e]{1,255}$/.test(header)) return header
  throw new Fault('request.invalid', { detail: 'Idempotency-Key holds 1 to 255 visible ASCII characters' })
}
