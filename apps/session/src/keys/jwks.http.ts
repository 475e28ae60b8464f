import { createHash } from 'node:crypto'
import { Controller, Get, Headers, HttpStatus, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { KeyRing } from './key-ring.js'

/** Five minutes: a new key must be known to verifiers for longer than that before it signs. */
const maxAgeSeconds = 300

/** The public keys (RFC 7517), for anybody. */
@Controller()
export class JwksHttp {
  private readonly etag: string

  constructor(private readonly ring: KeyRing) {
    this.etag = `"${createHash('sha256').update(JSON.stringify(ring.keys.jwks)).digest('base64url').slice(0, 22)}"`
  }

  @Get('.well-known/jwks.json')
  show(@Headers('if-none-match') known: string | undefined, @Res({ passthrough: true }) reply: FastifyReply): object | undefined {
    void reply.header('cache-control', `public, max-age=${maxAgeSeconds}`).header('etag', this.etag)
    if (!isKnown(known, this.etag)) return this.ring.keys.jwks
    void reply.status(HttpStatus.NOT_MODIFIED)
    return undefined
  }
}

/** RFC 9110 section 13.1.2: a list of tags compared weakly, or anything at all. */
const isKnown = (known: string | undefined, etag: string): boolean =>
  known !== undefined && known.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
