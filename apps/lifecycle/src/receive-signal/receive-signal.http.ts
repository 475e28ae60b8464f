import { signalSubmission, type StructuredSignal } from '@curfew/contracts'
import { Access, accepting, CurrentCaller, idempotencyOf, requestHashOf, type KnownCaller } from '@curfew/service-kit'
import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { signalOfBody } from './incoming.js'
import { ReceiveSignalHandler, type SignalReceipt } from './receive-signal.handler.js'

/** Signals by HTTP: one or a batch. A batch is taken whole or not at all, and its items come back in the order they were sent. */
@Controller()
export class ReceiveSignalHttp {
  constructor(private readonly handler: ReceiveSignalHandler) {}

  @Post('v1/lifecycle-signals')
  @HttpCode(202)
  @Access('lifecycle:publish')
  async submit(
    @Body(accepting(signalSubmission)) body: StructuredSignal | StructuredSignal[], @CurrentCaller() { tenant, clientId }: KnownCaller, @Req() request: FastifyRequest,
  ): Promise<{ items: SignalReceipt[] }> {
    const signals = [body].flat().map((event) => signalOfBody(tenant, event))
    const key = idempotencyOf(request)
    const repeatable = key === undefined ? undefined : { client: clientId, key, requestHash: requestHashOf(body) }
    return { items: await this.handler.handle({ tenant, signals, announce: true, repeatable }) }
  }
}
