import { Client } from 'pg'
import { connectionTo, serviceHome, type ServiceHome } from './connection.js'

/**
 * Makes a service's roles and its schema where they are missing, and runs `settle` while no other process of that service
 * is at it in this database. The address must be allowed to create roles and schemas.
 */
export async function withSchema<T>(url: string, service: string, settle: (home: ServiceHome) => Promise<T>): Promise<T> {
  const home = serviceHome(service)
  const client = new Client({ ...connectionTo(url, `curfew-${service}-setup`, {}), connectionTimeoutMillis: connectWithinMs, keepAlive: true })
  client.on('error', () => undefined)
  await client.connect()
  try {
    // A session lock: it goes with the connection, so a process that is killed in here blocks nobody.
    await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [lockSpace, service])
    for (const role of [home.owner, home.role]) await ensureRole(client, role)
    await client.query(schemaStatements(home))
    return await settle(home)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Five seconds: a server on the same network accepts in milliseconds, one that is starting refuses at once. */
const connectWithinMs = 5000
/** Ours among the advisory locks of a database: "CURF" in ASCII. */
const lockSpace = 0x43555246

/**
 * Roles belong to the whole server, so another database's setup may create the same ones at the same time, and no lock of ours reaches there:
 * whoever comes second sees a duplicate or a concurrent update, and finds the role in place when it looks again.
 */
async function ensureRole(client: Client, role: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(roleStatement(role))
      return
    } catch (error) {
      if (attempt === 20 || !lostRace(error as { code?: string; message: string })) throw error
      await new Promise((resolve) => setTimeout(resolve, 5 * attempt))
    }
  }
}

const lostRace = ({ code, message }: { code?: string; message: string }): boolean =>
  code === '42710' || code === '23505' || (code === 'XX000' && /concurrently (updated|deleted)/.test(message))

/** The login has to be a member to switch to the role; a superuser is one already. */
const roleStatement = (role: string): string => `DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN
    CREATE ROLE ${role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
     AND NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = '${role}'::regrole AND member = current_user::regrole AND NOT admin_option) THEN
    EXECUTE format('GRANT ${role} TO %I', current_user);
  END IF;
END $$`

/** The working role may use the schema, but makes nothing in it. Its rights on each table come with `tenantTable`. */
const schemaStatements = ({ schema, owner, role }: ServiceHome): string => `
  CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${owner};
  REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC;
  GRANT USAGE ON SCHEMA ${schema} TO ${role};
  ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${schema} GRANT USAGE, SELECT ON SEQUENCES TO ${role}`
