import type { Logger } from 'pino'

/** The end of a process: what it opened, closed in reverse, once. */
export interface Ending {
  /** To be closed before everything that was added earlier. */
  add(what: string, close: () => Promise<void>): void
  /** Closes everything and ends the process with status 1. */
  fail(error: unknown, sentence: string): Promise<never>
}

/** Longer than the drain of requests and consumers together; whoever stops processes usually waits 30 s. */
const closeWithinMs = 25_000

/** Ends the process in order on SIGTERM or SIGINT, at once on a second one, and with status 1 on an error that nobody caught. */
export function endOnSignal(log: Logger): Ending {
  const parts: { readonly what: string; readonly close: () => Promise<void> }[] = []
  let ended: Promise<never> | undefined
  const end = (status: number): Promise<never> => (ended ??= closeAll(parts, log).then((inTime) => process.exit(inTime ? status : 1)))
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ended) process.exit(1)
    log.info({ signal }, 'the process ends')
    void end(0)
  }
  const fail = (error: unknown, sentence: string): Promise<never> => {
    log.fatal({ err: error }, sentence)
    return end(1)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('uncaughtException', (error) => void fail(error, 'an error that nobody caught'))
  process.on('unhandledRejection', (error) => void fail(error, 'a rejection that nobody caught'))
  return { add: (what, close) => void parts.push({ what, close }), fail }
}

async function closeAll(parts: readonly { readonly what: string; readonly close: () => Promise<void> }[], log: Logger): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), closeWithinMs)))
  const closing = (async (): Promise<true> => {
    for (const { what, close } of [...parts].reverse()) {
      await close().catch((error: unknown) => log.error({ err: error }, `${what} did not close cleanly`))
    }
    return true
  })()
  const inTime = await Promise.race([closing, late])
  clearTimeout(timer)
  if (!inTime) log.error({}, 'closing took too long; what was left is cut off')
  return inTime
}
