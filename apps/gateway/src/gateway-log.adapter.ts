import { pino, type Logger } from 'pino'

const secrets = ['authorization', 'cookie', 'token', 'access_token', 'clientSecret', 'client_secret']

/** JSON lines on stdout. Whatever a stray object carries under a name that holds credentials is masked (I12). */
export const gatewayLog = (level: string, name: string): Logger =>
  pino({ name, level, redact: { paths: secrets.flatMap((key) => [key, `*.${key}`, `*.*.${key}`, `headers["${key}"]`]), censor: '[secret]' } })
