import { readServiceConfig, type ServiceConfig } from '@curfew/service-kit'

/** The revocation service reads what every service reads, and nothing of its own. */
export const readConfig = (env: Readonly<Record<string, string | undefined>> = process.env): ServiceConfig => readServiceConfig('revocation', env)
