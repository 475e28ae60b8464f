/** A bounded, forgetful memory shared by the instances of a service. No decision depends on it alone: losing it makes things slower, never wrong. */
export abstract class SharedMemory {
  /** Counts a hit and answers how many fell into the current window, this one included. */
  abstract hit(key: string, windowMs: number): Promise<{ hits: number; resetMs: number }>
  abstract get(key: string): Promise<string | undefined>
  abstract put(key: string, value: string, ttlMs: number): Promise<void>
  abstract close(): Promise<void>
}
