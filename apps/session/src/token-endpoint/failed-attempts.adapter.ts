import { createHash } from 'node:crypto'
import { Fault } from '@curfew/contracts'
import { SharedMemory } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'

const windowMs = 60_000
/** A guesser gets nowhere with thirty tries a minute, and a deployment that rotates a secret badly is not shut out by its own retries at once. */
const triesPerWindow = 30

/**
 * Slows down whoever guesses a client's secret. Successes are not counted. Losing the memory loses the brake and nothing else: a secret
 * is 256 random bits, or the operator's own.
 */
@Injectable()
export class FailedAttempts {
  constructor(private readonly memory: SharedMemory) {}

  /** Fault `rate.limited` while too many attempts have failed. */
  async assertFew(clientId: string): Promise<void> {
    const until = await this.memory.get(`${keyOf(clientId)}:shut`)
    if (until !== undefined) throw new Fault('rate.limited', { detail: 'too many failed attempts for this client', retryAfterMs: Number(until) || windowMs })
  }

  async count(clientId: string): Promise<void> {
    const { hits, resetMs } = await this.memory.hit(keyOf(clientId), windowMs)
    if (hits >= triesPerWindow) await this.memory.put(`${keyOf(clientId)}:shut`, String(resetMs), resetMs)
  }
}

/** A stranger chooses the id, so its length and characters do not reach the memory. */
const keyOf = (clientId: string): string => `token-endpoint:${createHash('sha256').update(clientId).digest('base64url')}`
