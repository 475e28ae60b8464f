import { createHash } from 'node:crypto'
import { Controller, Get, Headers, HttpStatus, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { KeyRing } from './key-ring.js'

/** Five minutes: whoever meets a key id he does not know asks again anyway. */
const maxAgeSeconds = 300

/** The public keys (RFC 7517), for anybody. */
@Controller()
export class JwksHttp {
  constructor(private readonly ring: KeyRing) {}

  @Get('.well-known/jwks.json')
  show(@Headers('if-none-match') known: string | undefined, @Res({ passthrough: true }) reply: FastifyReply): object | undefined {
    const { jwks } = this.ring.keys
    const etag = `"${createHash('sha256').update(JSON.stringify(jwks)).digest('base64url').slice(0, 22)}"`
    void reply.header('cache-control', `public, max-age=${maxAgeSeconds}`).header('etag', etag)
    if (!isKnown(known, etag)) return jwks
    void reply.status(HttpStatus.NOT_MODIFIED)
    return undefined
  }
}

/** RFC 9110 section 13.1.2: a list of tags compared weakly, or anything at all. */
const isKnown = (known: string | undefined, etag: string): boolean =>
  known !== undefined && known.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
