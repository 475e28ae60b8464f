import type { FastifyInstance } from 'fastify'
import { setTimeout as pause } from 'node:timers/promises'

/** Lets running requests finish and takes no new connections; what is still running after the bound is cut. */
export class Drain {
  private running = 0
  private isDraining = false
  private whenIdle: (() => void) | undefined

  constructor(private readonly instance: FastifyInstance) {
    instance.addHook('onRequest', (_, reply, done) => {
      this.running += 1
      reply.raw.once('close', () => this.ended())
      // Whoever keeps a connection is told to open the next one elsewhere.
      if (this.isDraining) void reply.header('connection', 'close')
      done()
    })
  }

  get hasBegun(): boolean {
    return this.isDraining
  }

  async finish(withinMs: number): Promise<void> {
    this.isDraining = true
    const { server } = this.instance
    if (server.listening) server.close()
    server.closeIdleConnections()
    const bound = new AbortController()
    const idle = new Promise<void>((resolve) => (this.whenIdle = resolve))
    if (this.running > 0) await Promise.race([idle, pause(withinMs, undefined, { signal: bound.signal }).catch(() => undefined)])
    bound.abort()
    server.closeAllConnections()
  }

  private ended(): void {
    this.running -= 1
    if (this.running === 0) this.whenIdle?.()
  }
}
