/** Shows that something is going on: a ticking line on a terminal, one line at the beginning and one at the end elsewhere. */
export function startProgress(what, out = process.stdout, now = () => performance.now()) {
  const began = now()
  const seconds = () => `${Math.round((now() - began) / 1000)} s`
  if (!out.isTTY) {
    out.write(`${what} …\n`)
    return { end: (how) => void out.write(`${what}: ${how} after ${seconds()}\n`) }
  }
  const show = (end = '') => out.write(`\r\x1b[K${what} … ${seconds()}${end}`)
  show()
  const ticking = setInterval(() => show(), 1000)
  return {
    end(how) {
      clearInterval(ticking)
      show(` (${how})\n`)
    },
  }
}
