import { cpus, totalmem } from 'node:os'

/** One line about where the figures were read: enough to compare, nothing that names the host. */
export function machine(): string {
  const cores = cpus()
  return `${cores.length} x ${cores[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`
}
