/** Tells readers of a partition that something was appended, so that none has to poll for what happens in its own process. */
export class WakeUps {
  private readonly sleepers = new Map<string, Set<() => void>>()

  wake(topic: string, partition: number): void {
    const asleep = this.sleepers.get(`${topic}/${partition}`)
    if (!asleep) return
    this.sleepers.delete(`${topic}/${partition}`)
    for (const wake of asleep) wake()
  }

  /** Resolves at the next append, when `signal` aborts, or after `atMostMs`. Ask before reading: an append in between is then not missed. */
  next(topic: string, partition: number, signal: AbortSignal, atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const name = `${topic}/${partition}`
      const wake = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        this.sleepers.get(name)?.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, atMostMs)
      if (signal.aborted) return wake()
      signal.addEventListener('abort', wake, { once: true })
      const asleep = this.sleepers.get(name) ?? new Set()
      this.sleepers.set(name, asleep.add(wake))
    })
  }
}
