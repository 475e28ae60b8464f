import { readVariables } from '@curfew/contracts'
import { Secret } from '@curfew/kernel'
import { z } from 'zod'
import { CommandFailure } from './usage.js'

export interface CliConfig {
  /** Where tokens are issued. */
  readonly sessionUrl: string
  readonly revocationUrl: string
  /** What the environment says of who is calling; undefined when it says nothing. */
  readonly credentials: { readonly clientId: string; readonly clientSecret: Secret } | undefined
  readonly dataDir: string
  /** Empty when none is named. */
  readonly kafkaBrokers: readonly string[]
}

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).transform((text) => text.replace(/\/+$/, ''))

const variables = z.object({
  CURFEW_URL: httpUrl.default('http://127.0.0.1:8700'), CURFEW_SESSION_URL: httpUrl.optional(), CURFEW_REVOCATION_URL: httpUrl.optional(),
  CURFEW_CLIENT_ID: z.string().optional(), CURFEW_CLIENT_SECRET: z.string().transform((text) => new Secret(text)).optional(),
  CURFEW_DATA_DIR: z.string().default('./.curfew'),
  CURFEW_KAFKA_BROKERS: z.string().transform((text) => text.split(',').map((each) => each.trim()).filter((each) => each !== '')).default([]),
})

/** The environment as the command line takes it. A half of the credentials is a mistake, not an invitation to use somebody else's. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): CliConfig {
  const read = readVariables(variables, env)
  const { CURFEW_CLIENT_ID: clientId, CURFEW_CLIENT_SECRET: clientSecret } = read
  if ((clientId === undefined) !== (clientSecret === undefined)) {
    throw new CommandFailure(`${clientId === undefined ? 'CURFEW_CLIENT_ID' : 'CURFEW_CLIENT_SECRET'} is missing: set both, or neither to use the data directory's credentials`)
  }
  return {
    sessionUrl: read.CURFEW_SESSION_URL ?? read.CURFEW_URL, revocationUrl: read.CURFEW_REVOCATION_URL ?? read.CURFEW_URL,
    credentials: clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret },
    dataDir: read.CURFEW_DATA_DIR, kafkaBrokers: read.CURFEW_KAFKA_BROKERS,
  }
}
