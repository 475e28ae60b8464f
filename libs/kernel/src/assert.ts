/** A broken promise of our own code, never of a caller: it is not caught, the process ends with this message. */
export class Defect extends Error {
  override name = 'Defect'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Defect(message)
}
