/** The command line was not understood: exit code 2, and nothing was done. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command was understood and could not be done: exit code 1. The message says what to do next. */
export class CommandFailure extends Error {
  override name = 'CommandFailure'
}

const overview = `curfew ends sessions, everywhere, in milliseconds.

Usage: curfew <command> [options]

  token                          print an administrator's access token, and nothing else
  revoke <kind> [<name>]         end a session, subject, token, client, device, agent, grant, tenant or key
  topics apply | check           create the Kafka topics, or say how they differ from the catalogue
  parked list | show | replay    records that could not be processed

Options of every command:
  --json                         one JSON document instead of text
  --help                         what the command takes

Where to:
  CURFEW_URL                     the control plane, default http://127.0.0.1:8700
  CURFEW_SESSION_URL, CURFEW_REVOCATION_URL
                                 where the two services answer, if not at one origin
  CURFEW_CLIENT_ID, CURFEW_CLIENT_SECRET
                                 who you are; without them, credentials.json in CURFEW_DATA_DIR (default ./.curfew)
  CURFEW_KAFKA_BROKERS           host:port, for topics and parked

Exit codes: 0 done, 1 not done, 2 not understood.
`

const token = `Usage: curfew token [--scope "<scope> <scope>"] [--json]

Prints an access token of the client whose credentials are given, for five minutes of calls:

  curl -H "Authorization: Bearer $(npx curfew token)" http://127.0.0.1:8700/v1/sessions

  --scope                        less than the client holds, separated by spaces
`

const revoke = `Usage: curfew revoke <kind> [<name>] [options]

  session <id>                   one session, and what was derived from it
  subject <sub>                  everything of a person or service, everywhere; --issuer "*" for every issuer
  token <jti>                    one access token
  client <id> | device <id> | agent <id> | grant <id>
  tenant                         every session of the tenant
  key <kid>                      everything signed by a key

Options:
  --issuer <url>                 of subject, token or key; the tenant's default issuer without it
  --except <session id>          spare this session and what was derived from it; may be repeated
  --issued-before <instant>      only what began at or before it, such as 2026-11-23T20:15:04Z; now without it
  --reason <code>                such as password_reset, device_lost, offboarding
  --note <text>                  what the audit trail should say besides
  --wait accepted | published    what to wait for; default published
  --timeout-ms <n>               how long to wait; default 5000
  --tenant <tenant>              for operators of several tenants
`

const topics = `Usage: curfew topics apply | check [--json]

  apply                          create what is missing and raise what is too small; nothing is deleted or lowered
  check                          list what differs from the catalogue; exit code 1 if anything does
`

const parked = `Usage: curfew parked list [<topic>] [--limit <n>] [--json]
       curfew parked show <id> [--json]
       curfew parked replay <id>... [--json]

A parked record is one that a consumer could not process. Its id is what "list" prints: curfew.lifecycle.parked.v1/0/17.

  list                           the newest of each topic, or of one topic, without their values; --limit is 500 by default
  show                           one record with its headers and value
  replay                         publish the original again to the topic it came from
`

export const commandNames = ['token', 'revoke', 'topics', 'parked'] as const
export type CommandName = (typeof commandNames)[number]
const pages: Readonly<Record<CommandName, string>> = { token, revoke, topics, parked }

export const usageOf = (command?: CommandName): string => (command === undefined ? overview : pages[command])
