import { createHash } from 'node:crypto'
import { Fault } from '@curfew/contracts'
import { SharedMemory } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { networkOf } from '../inventory/ip-address.js'

const windowMs = 60_000
/** A guesser gets nowhere with thirty tries a minute, and a deployment that rotates a secret badly is not shut out by its own retries at once. */
const triesPerWindow = 30

/** Who tries, and for which client: a stranger elsewhere must not be able to shut a client out by guessing at it. */
export interface Attempt {
  readonly clientId: string
  /** The address the request came from; behind a proxy it is the proxy's, and those who come through it share the brake. */
  readonly from: string
}

/**
 * Slows down whoever guesses a client's secret. Successes are not counted. Losing the memory loses the brake and nothing else: a secret
 * is 256 random bits, or the operator's own.
 */
@Injectable()
export class FailedAttempts {
  constructor(private readonly memory: SharedMemory) {}

  /** Fault `rate.limited` while too many attempts have failed. */
  async assertFew(attempt: Attempt): Promise<void> {
    const until = await this.memory.get(`${keyOf(attempt)}:shut`)
    if (until !== undefined) throw new Fault('rate.limited', { detail: 'too many failed attempts for this client from this address', retryAfterMs: Number(until) || windowMs })
  }

  async count(attempt: Attempt): Promise<void> {
    const key = keyOf(attempt)
    const { hits, resetMs } = await this.memory.hit(key, windowMs)
    if (hits >= triesPerWindow) await this.memory.put(`${key}:shut`, String(resetMs), resetMs)
  }
}

/** A stranger chooses the id, so its length and characters do not reach the memory. */
const keyOf = ({ clientId, from }: Attempt): string => `token-endpoint:${createHash('sha256').update(JSON.stringify([clientId, networkOf(from)])).digest('base64url')}`
