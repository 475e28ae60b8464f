import { randomUUID } from 'node:crypto'
import type { tokenResponse } from '@curfew/contracts'
import { OAuthFault } from '@curfew/service-kit'
import { Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { TokenMinter } from '../keys/token-minter.js'
import { ClientAuthentication } from './client-authentication.handler.js'
import { narrowScope } from './narrow-scope.js'
import { isRefusal, readTokenRequest, type Form, type TokenRefusal } from './token-request.js'

type TokenResponse = z.infer<typeof tokenResponse>

/** OAuth 2.0 token endpoint (RFC 6749), for clients by themselves. */
@Controller()
export class TokenEndpointHttp {
  constructor(private readonly authentication: ClientAuthentication, private readonly minter: TokenMinter) {}

  @Post('oauth2/token')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async issue(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<TokenResponse> {
    try {
      return await this.granted(request)
    } catch (error) {
      // RFC 6749 section 5.2 asks for the challenge where the header was used, and allows it elsewhere.
      if (error instanceof OAuthFault && error.error === 'invalid_client') void reply.header('www-authenticate', 'Basic realm="curfew", charset="UTF-8"')
      throw error
    }
  }

  private async granted(request: FastifyRequest): Promise<TokenResponse> {
    const asked = unlessRefused(readTokenRequest(request.headers.authorization, formOf(request)))
    const { client, provenAt } = await this.authentication.prove(asked, request.ip)
    const scopes = unlessRefused(narrowScope(asked.scope, client.scopes))
    const { accessToken, expiresIn } = await this.minter.forClient(client, scopes, provenAt, randomUUID())
    return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn, scope: scopes.join(' ') }
  }
}

function formOf({ body, headers, query }: FastifyRequest): Form {
  // Section 2.3.1: credentials are never in the URI, where every proxy logs them.
  if (query !== null && typeof query === 'object' && 'client_secret' in query) throw new OAuthFault('invalid_request', 'credentials are not taken from the query')
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(headers['content-type'] ?? '') || body === null || typeof body !== 'object') {
    throw new OAuthFault('invalid_request', 'the request is a form: application/x-www-form-urlencoded')
  }
  return body as Form
}

function unlessRefused<T extends object>(outcome: T | TokenRefusal): T {
  if (isRefusal(outcome)) throw new OAuthFault(outcome.error, outcome.description)
  return outcome
}
