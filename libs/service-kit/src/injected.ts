import type { Clock, Instant, Secret, TenantId } from '@curfew/kernel'

/** The process's clock, as a Nest token: inject this where a `Clock` is wanted. */
export abstract class ServiceClock implements Clock {
  abstract now(): Instant
  abstract monotonicMs(): number
}

/** The service's own log. Fields first, then one sentence; secrets, tokens and plain session ids never go in (I12). */
export abstract class ServiceLog {
  abstract debug(fields: object, message: string): void
  abstract info(fields: object, message: string): void
  abstract warn(fields: object, message: string): void
  abstract error(fields: object, message: string): void
}

/** What was configured for the whole deployment and is no secret, except that of the bootstrap client. */
export abstract class ServiceSettings {
  abstract readonly issuer: string
  abstract readonly audience: string
  abstract readonly tenants: readonly TenantId[]
  abstract readonly maxSessionAgeMs: number
  abstract readonly accessTokenSeconds: number
  abstract readonly clockSkewMs: number
  abstract readonly watermarkIntervalMs: number
  abstract readonly ratePerMinute: number
  abstract readonly bootstrapClient: { readonly id: string; readonly secret: Secret }
}
