/**
 * Runs `count` samples at a fixed rate whatever each takes: the next one starts on time although the last is still under way, so a slow
 * answer cannot hide the ones behind it (open loop). Resolves with the durations in milliseconds; a failed sample fails the run.
 */
export async function paced(count: number, perSecond: number, sample: (index: number) => Promise<number>): Promise<number[]> {
  const interval = 1_000 / perSecond
  const begin = performance.now()
  const running: Promise<number>[] = []
  for (let index = 0; index < count; index += 1) {
    const wait = begin + index * interval - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const one = sample(index)
    // Observed at the end; until then a rejection must not end the process.
    one.catch(() => undefined)
    running.push(one)
  }
  return Promise.all(running)
}
