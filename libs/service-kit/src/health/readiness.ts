/** Something that may be why a process is not ready: undefined, or one sentence. */
export type Check = () => Promise<string | undefined> | string | undefined

/** A probe's own timeout is usually a second or more; an answer that comes later tells it nothing. */
export const checkMs = 800

/** Every reason against being ready. A check that throws or does not answer in time is a reason of its own. */
export async function reasonsAgainst(checks: Readonly<Record<string, Check>>, withinMs = checkMs): Promise<string[]> {
  const reasons = await Promise.all(Object.entries(checks).map(([name, check]) => reasonOf(name, check, withinMs)))
  return reasons.filter((reason) => reason !== undefined)
}

async function reasonOf(name: string, check: Check, withinMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve(`${name} does not answer`), withinMs)))
  try {
    return await Promise.race([Promise.resolve().then(check), late])
  } catch {
    // What exactly failed is in the log of the part; an anonymous probe learns only which part it is.
    return `${name} fails`
  } finally {
    clearTimeout(timer)
  }
}
