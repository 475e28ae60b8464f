/** The transport that this service's `@EventPattern` handlers belong to. */
export const TRANSPORT = Symbol('session')
