import { Fault, jwks } from '@curfew/contracts'
import type { JSONWebKeySet } from 'jose'
import { createHash } from 'node:crypto'
import { request } from 'undici'

/** A JWK Set of a few keys has some kilobytes; one that is larger is not ours. */
const maxBytes = 262_144
const withinMs = 5_000

export interface IssuerKeysOptions {
  readonly url: string
  /** The set differs from the one before: tokens that were verified by it must be verified anew. */
  readonly onChange: () => void
}

/** The issuer's public keys over HTTP, and whether they were ever there: a gateway without keys cannot tell a good token from a bad one. */
export class IssuerKeys {
  private digest: string | undefined
  private ahead: JSONWebKeySet | undefined

  constructor(private readonly options: IssuerKeysOptions) {}

  get areKnown(): boolean {
    return this.digest !== undefined
  }

  /** Fetches them ahead of the first token, which then need not wait. */
  async fetchAhead(): Promise<void> {
    this.ahead = await this.download()
  }

  /** What the key source asks for; bounded in time and size, rejects with a Fault. */
  readonly fetch = async (): Promise<JSONWebKeySet> => {
    const { ahead } = this
    this.ahead = undefined
    return ahead ?? this.download()
  }

  private async download(): Promise<JSONWebKeySet> {
    const text = await this.read()
    const parsed = jwks.safeParse(jsonOf(text))
    if (!parsed.success) throw new Fault('dependency.unavailable', { detail: `${this.options.url} is no JWK Set` })
    const digest = createHash('sha256').update(text).digest('base64')
    const isChange = this.digest !== undefined && this.digest !== digest
    this.digest = digest
    if (isChange) this.options.onChange()
    return parsed.data as unknown as JSONWebKeySet
  }

  private async read(): Promise<string> {
    const { url } = this.options
    try {
      const { statusCode, body } = await request(url, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(withinMs) })
      const parts: Buffer[] = []
      let length = 0
      for await (const part of body as AsyncIterable<Buffer>) {
        if ((length += part.length) > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
        parts.push(part)
      }
      if (statusCode !== 200) throw new Error(`status ${statusCode}`)
      return Buffer.concat(parts).toString('utf8')
    } catch (error) {
      throw new Fault('dependency.unavailable', { detail: `${url} did not answer with keys` }, { cause: error })
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
