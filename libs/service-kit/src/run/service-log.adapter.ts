import { pino, type DestinationStream, type Logger } from 'pino'
import { currentTraceIds } from '../telemetry/telemetry.adapter.js'

/** Whatever ends up in a log field by one of these names is a credential (I12). The bodies and URLs of requests are not logged at all. */
const credentials = [
  'authorization', 'cookie', 'set-cookie', 'proxy-authorization', 'accessToken', 'refreshToken', 'access_token', 'refresh_token', 'id_token', 'token', 'clientSecret', 'client_secret',
  'password', 'secret', 'privateKey', 'private_key',
]
const redacted = credentials.flatMap((name) => (/^[A-Za-z_]+$/.test(name) ? [name, `*.${name}`, `*.*.${name}`] : [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]))

/**
 * What of an error is logged. A failed statement carries its parameters, and those are rows: signals, session ids, whatever somebody sent (I12).
 * The statement and the driver's code are enough to find it. A connection pool hangs the whole client on the error of a lost connection.
 */
function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const shown = { ...pino.stdSerializers.err(error) } as Record<string, unknown>
  for (const member of ['parameters', 'driverError', 'detail', 'where', 'internalQuery', 'client']) delete shown[member]
  return shown
}

/** The log of a process: JSON lines, UTC, with the trace they belong to and without credentials. */
export function serviceLog(options: { readonly name: string; readonly level: string; readonly destination?: DestinationStream }): Logger {
  return pino({
    level: options.level, base: { name: options.name }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) },
    serializers: { err: loggedError, error: loggedError },
    redact: { paths: redacted, censor: '[redacted]' }, mixin: () => currentTraceIds(),
  }, options.destination ?? pino.destination({ fd: 1, sync: true }))
}
