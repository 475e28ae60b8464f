/** Often enough to be told from a hang, seldom enough for a log. */
const logEveryMs = 15_000

/** Shows that something is going on: a ticking line on a terminal, a line now and then elsewhere. */
export function startProgress(what, out = process.stdout, now = () => performance.now()) {
  const began = now()
  const seconds = () => `${Math.round((now() - began) / 1000)} s`
  if (!out.isTTY) {
    out.write(`${what} …\n`)
    const telling = setInterval(() => out.write(`${what} … ${seconds()}\n`), logEveryMs)
    return {
      end(how) {
        clearInterval(telling)
        out.write(`${what}: ${how} after ${seconds()}\n`)
      },
    }
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
