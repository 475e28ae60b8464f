/** How long to wait before trying again: doubling, and at least half of it at random, so that a fleet does not return as one. */
export interface BackOff {
  readonly firstMs: number
  readonly mostMs: number
}

/** The pause after this many failures in a row (1 and up). `random` is in [0, 1). */
export function pauseAfter(failures: number, { firstMs, mostMs }: BackOff, random: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(full / 2 + (full / 2) * random)
}
