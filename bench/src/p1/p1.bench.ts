import { randomBytes } from 'node:crypto'
import { provideParts } from '@curfew/testing/parts'
import { Client } from 'pg'
import type { CaseResult } from '../result.js'
import { startFloor } from './floor.adapter.js'
import { startOurs } from './ours.adapter.js'
import { fullLoads, measure, quickLoads } from './p1.js'

export const title = 'revoke call to refused at every gateway'

/** P1 of DESIGN section 7, on real Kafka, PostgreSQL and Redis, everything on this machine. */
export async function runP1({ quick, onCase, say }: { quick: boolean; onCase: (result: CaseResult) => void; say: (line: string) => void }): Promise<void> {
  const parts = await provideParts(say)
  try {
    const { kafka, redis } = parts.addresses
    for (const gateways of [1, 10]) {
      say(`starting ${gateways} raw reader(s) and Curfew with ${gateways} gateway(s)`)
      const database = await freshDatabase(parts.addresses.database)
      const floor = await startFloor({ brokers: kafka.split(','), database, readers: gateways })
      const ours = await startOurs({ kafka, database, redis, gateways }).catch(async (error: unknown) => {
        await floor.close()
        throw error
      })
      try {
        for (const load of quick ? quickLoads : fullLoads) onCase(await measure(gateways, load, { ...floor, prepare: async () => undefined }, ours))
      } finally {
        await Promise.allSettled([ours.close(), floor.close()])
      }
    }
  } finally {
    await parts.stop()
  }
}

async function freshDatabase(server: string): Promise<string> {
  const client = new Client({ connectionString: server })
  await client.connect()
  const name = `bench_${randomBytes(4).toString('hex')}`
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
