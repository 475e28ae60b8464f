import { Fault } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'

export interface FlightLimits {
  /** Items under way or waiting; one more is refused with Fault `service.overloaded`. */
  readonly items: number
  readonly bytes: number
  /** Items in one flight: a larger one would make those that wait behind it wait longer than another flight costs. */
  readonly perFlight: number
  /** How long an item may wait for its flight before it is refused with Fault `dependency.unavailable`. */
  readonly waitMs: number
}

interface Waiting<Item, Answer> {
  readonly item: Item
  readonly bytes: number
  readonly since: number
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** One outcome per item, in the order of the items. A rejected flight rejects them all. */
export type Flight<Item, Answer> = (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Answer>[]>

/**
 * Batches without lingering: an idle queue sends at once, and whatever queues while a flight is under way goes into the next, in order.
 * The queue is bounded, and nobody waits in it for ever.
 */
export class SingleFlight<Item, Answer> {
  private queue: Waiting<Item, Answer>[] = []
  private bytes = 0
  private items = 0
  private flying: Promise<void> | undefined

  constructor(private readonly fly: Flight<Item, Answer>, private readonly clock: Clock, private readonly limits: FlightLimits) {}

  submit(item: Item, bytes: number): Promise<Answer> {
    if (this.items >= this.limits.items || this.bytes + bytes > this.limits.bytes) return Promise.reject(new Fault('service.overloaded', { detail: 'too many records wait to be published' }))
    this.items += 1
    this.bytes += bytes
    const answer = new Promise<Answer>((resolve, reject) => this.queue.push({ item, bytes, since: this.clock.monotonicMs(), resolve, reject }))
    this.flying ??= this.flyAll()
    return answer
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await this.flying
  }

  private async flyAll(): Promise<void> {
    // Not before the caller has submitted all that it has at hand: a publish of three records is one flight.
    await Promise.resolve()
    while (this.queue.length > 0) {
      const aboard = this.board()
      if (aboard.length === 0) continue
      this.land(aboard, await this.fly(aboard.map(({ item }) => item)).catch((reason: unknown) => aboard.map(() => ({ status: 'rejected' as const, reason }))))
    }
    this.flying = undefined
  }

  private board(): Waiting<Item, Answer>[] {
    const now = this.clock.monotonicMs()
    const late = this.queue.findIndex(({ since }) => now - since <= this.limits.waitMs)
    const tooLate = this.queue.splice(0, late === -1 ? this.queue.length : late)
    this.land(tooLate, tooLate.map(() => ({ status: 'rejected', reason: new Fault('dependency.unavailable', { detail: 'the log did not take records in time' }) })))
    return this.queue.splice(0, this.limits.perFlight)
  }

  private land(aboard: readonly Waiting<Item, Answer>[], outcomes: readonly PromiseSettledResult<Answer>[]): void {
    aboard.forEach(({ bytes, resolve, reject }, at) => {
      this.items -= 1
      this.bytes -= bytes
      const outcome = outcomes[at]
      if (outcome?.status === 'fulfilled') resolve(outcome.value)
      else reject(outcome?.reason ?? new Error('the flight gave no outcome'))
    })
  }
}
