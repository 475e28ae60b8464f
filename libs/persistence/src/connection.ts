import { assert } from '@curfew/kernel'

/** The schema, the role that owns its tables and the role that works on them: never one and the same. */
export interface ServiceHome {
  readonly schema: string
  readonly owner: string
  readonly role: string
}

/** A short lower-case name: it becomes part of identifiers, and is never taken from a request. */
export function serviceHome(service: string): ServiceHome {
  assert(/^[a-z][a-z0-9_]{0,39}$/.test(service), `not a service name: ${service}`)
  return { schema: `curfew_${service}`, owner: `curfew_${service}_owner`, role: `curfew_${service}` }
}

export interface ConnectionSettings {
  readonly connectionString: string
  readonly application_name: string
  /** Settings of the session, in force from its first statement on and after every RESET. */
  readonly options: string
}

/**
 * How to connect to `url` under the given server settings. Settings that the address itself carries stay, but never override ours:
 * the role and the search path are what keeps a service to its own schema.
 */
export function connectionTo(url: string, name: string, settings: Readonly<Record<string, string>>): ConnectionSettings {
  const address = new URL(url)
  const own = address.searchParams.get('options')
  address.searchParams.delete('options')
  address.searchParams.delete('application_name')
  const options = Object.entries(settings).map(([key, value]) => `-c ${key}=${escaped(value)}`)
  return { connectionString: address.href, application_name: name, options: [...(own ? [own] : []), ...options].join(' ') }
}

/** Inside `options`, a backslash keeps white space and backslashes literal. */
const escaped = (value: string): string => value.replace(/[\\\s]/g, '\\$&')

/** Temporary tables come last: nothing that a session makes can stand in for a table of the service. */
export const searchPath = (schema: string): string => `${schema},pg_catalog,pg_temp`
