import type { Clock } from '@curfew/kernel'

/**
 * One value for all who ask at about the same time: it is built at most once in `freshMs`, by one build at a time, and a failed build is tried again by
 * whoever asks next. What it answers is at most `freshMs` and one build old.
 */
export class SharedSnapshot<T> {
  private flight: Promise<T> | undefined
  private built: { readonly value: T; readonly at: number } | undefined

  constructor(private readonly build: () => Promise<T>, private readonly clock: Pick<Clock, 'monotonicMs'>, private readonly freshMs = 1_000) {}

  get(): Promise<T> {
    if (this.built !== undefined && this.clock.monotonicMs() - this.built.at < this.freshMs) return Promise.resolve(this.built.value)
    this.flight ??= this.fly().finally(() => (this.flight = undefined))
    return this.flight
  }

  private async fly(): Promise<T> {
    const value = await this.build()
    this.built = { value, at: this.clock.monotonicMs() }
    return value
  }
}
