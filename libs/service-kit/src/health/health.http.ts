import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { reasonsAgainst, type Check } from './readiness.js'

/** Anonymous and without limits: `/livez` says the process runs, `/readyz` whether it should be sent work and why not, `/metrics` is Prometheus text. */
export function addHealth(instance: FastifyInstance, metrics: Registry, checks: Readonly<Record<string, Check>>): void {
  instance.get('/livez', (_, reply) => reply.header('cache-control', 'no-store').send({ status: 'live' }))
  instance.get('/readyz', async (_, reply) => {
    const reasons = await reasonsAgainst(checks)
    void reply.header('cache-control', 'no-store').status(reasons.length === 0 ? 200 : 503)
    return reasons.length === 0 ? { status: 'ready' } : { status: 'unready', reasons }
  })
  instance.get('/metrics', async (_, reply) => {
    const text = await metrics.metrics()
    return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text)
  })
}
