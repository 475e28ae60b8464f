import { v7, validate } from 'uuid'

/** What a proxy or a client may call a request: nothing that could break a log line, a header or a URI. */
const sane = /^[A-Za-z0-9._~-]{1,128}$/

/** The id of a request: the one it came with if that is sane, else a new one. */
export const requestIdOf = (given: string | string[] | undefined): string => (typeof given === 'string' && sane.test(given) ? given : v7())

/** The URI of a request for a problem's `instance`. Ids of strangers are no UUIDs; RFC 4151 gives them a URI all the same. */
export const requestUri = (id: string): string => (validate(id) ? `urn:uuid:${id.toLowerCase()}` : `tag:curfew.dev,2026:request/${id}`)
