import { createHash } from 'node:crypto'
import type { DerivedSecrets } from '@curfew/service-kit'

/** What is kept of a refresh token (I12). The label keeps it apart from hashes of session ids made with the same key. */
export const refreshTokenHash = (secrets: DerivedSecrets, tenant: string, token: string): string => secrets.sessionHash(tenant, `refresh-token:${token}`)

/** What is kept of a client's secret. Secrets are 256 random bits, so a fast keyed hash is as good as a slow one. */
export const clientSecretHash = (secrets: DerivedSecrets, tenant: string, clientSecret: string): string =>
  secrets.sessionHash(tenant, `client-secret:${clientSecret}`)

/** A selector as an index key: selectors may be longer than a btree row takes. */
export const selectorKey = (selector: string): string => createHash('sha256').update(selector).digest('base64url')

/** The advisory lock of a selector, as a signed 64-bit number in decimal. Two selectors may share one; that only makes somebody wait. */
export const selectorLock = (tenant: string, key: string): string =>
  createHash('sha256').update(`curfew.session.selector\0${tenant}\0${key}`).digest().readBigInt64BE(0).toString()
