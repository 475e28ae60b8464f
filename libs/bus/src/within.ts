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
