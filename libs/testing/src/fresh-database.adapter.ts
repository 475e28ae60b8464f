import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { knownAddress } from './kept-parts.adapter.js'

export interface FreshDatabase {
  /** A login that owns the database and may create roles. */
  readonly url: string
  /** Sessions that are still open are ended. */
  drop(): Promise<void>
}

/** An empty database on the shared server: one per spec file, so that files never see each other's rows. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = knownAddress('database')
  const name = `test_${randomBytes(6).toString('hex')}`
  await once(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => once(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function once(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
