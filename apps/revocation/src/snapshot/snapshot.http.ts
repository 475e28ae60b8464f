import { Access } from '@curfew/service-kit'
import { Controller, Get, Headers, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Snapshot } from './build-snapshot.handler.js'
import { SharedSnapshot } from './shared-snapshot.js'

/** A snapshot with its compressed form, made once for all who take it. */
export interface ServedSnapshot extends Snapshot {
  readonly compressed: () => Promise<Buffer>
}

const compress = promisify(gzip)

export function served(snapshot: Snapshot): ServedSnapshot {
  let compressed: Promise<Buffer> | undefined
  return { ...snapshot, compressed: () => (compressed ??= compress(snapshot.body)) }
}

/** As a class, so that Nest can tell it from other shared values. */
export class SnapshotShelf extends SharedSnapshot<ServedSnapshot> {}

@Controller()
export class SnapshotHttp {
  constructor(private readonly shelf: SnapshotShelf) {}

  /** The tag and the signature are of the text itself, whichever way it is sent. */
  @Get('v1/denylist/snapshot')
  @Access('gateway')
  async snapshot(@Headers('if-none-match') known: string | undefined, @Headers('accept-encoding') encodings: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    const { body, etag, signature, compressed } = await this.shelf.get()
    void reply.headers({ etag, 'curfew-signature': signature, vary: 'accept-encoding', 'cache-control': 'no-cache' })
    if (names(known, etag)) return void reply.status(304).send()
    void reply.type('application/json; charset=utf-8')
    if (!takesGzip(encodings)) return void reply.send(body)
    void reply.header('content-encoding', 'gzip').send(await compressed())
  }
}

// RFC 9110 section 13.1.2: weak comparison, a list of tags, or anything.
const names = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag))

const takesGzip = (header: string | undefined): boolean =>
  (header ?? '').split(',').some((each) => /^\s*(x-)?gzip\s*(;\s*q=(?!0(\.0{0,3})?\s*$)[\d.]+\s*)?$/i.test(each))
