/** Whether `promise` settled well within `ms`; it never rejects, and leaves no timer behind. */
export function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    const settle = (well: boolean) => () => {
      clearTimeout(timer)
      resolve(well)
    }
    promise.then(settle(true), settle(false))
  })
}

/** The promise's own outcome, or a rejection once `ms` are over; whatever it does after that is nobody's concern. */
export function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
