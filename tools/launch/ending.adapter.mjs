const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Calls `end` with the signal that asks this process to stop. A launcher that was killed cannot pass one on, so its disappearance counts as
 * SIGTERM: what we started must not outlive the command because of that.
 */
export function whenAskedToEnd(end) {
  for (const signal of signals) process.on(signal, (name) => end(name))
  const launcher = process.ppid
  setInterval(() => process.ppid !== launcher && end('SIGTERM'), 1000).unref()
}
