import { Fault } from '@curfew/contracts'

/** The fault behind whatever was thrown: itself, what the HTTP server means by its own errors, or `internal` for everything nobody expected. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  const { code, status } = marksOf(thrown)
  const named = code === undefined ? undefined : byServerCode[code]
  if (named) return named(thrown)
  return (status === undefined ? undefined : byStatus[status]?.(thrown)) ?? new Fault('internal', {}, { cause: thrown })
}

type Making = (cause: unknown) => Fault
const invalid = (detail: string): Making => (cause) => new Fault('request.invalid', { detail }, { cause })
const tooLarge: Making = (cause) => new Fault('request.too_large', {}, { cause })
const unsupported: Making = (cause) => new Fault('request.unsupported_media', {}, { cause })

/** Fastify's codes for what a client did wrong. */
const byServerCode: Readonly<Record<string, Making>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: tooLarge,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: unsupported,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: invalid('the body is not as long as Content-Length says'),
  FST_ERR_CTP_EMPTY_JSON_BODY: invalid('the body is missing'),
  FST_ERR_BAD_URL: invalid('the URL is not well-formed'),
  FST_ERR_MAX_PARAM_LENGTH: invalid('a part of the path is too long'),
  ECONNRESET: invalid('the request was aborted'),
  ECONNABORTED: invalid('the request was aborted'),
  ERR_STREAM_PREMATURE_CLOSE: invalid('the request was aborted'),
}

/** Nest wraps some of these and keeps only the status; 5xx are never a client's doing. */
const byStatus: Readonly<Record<number, Making>> = {
  400: invalid('the request cannot be read'),
  404: (cause) => new Fault('route.unknown', {}, { cause }),
  405: (cause) => new Fault('method.not_allowed', {}, { cause }),
  408: invalid('the request did not arrive in time'),
  413: tooLarge,
  414: invalid('a part of the path is too long'),
  415: unsupported,
}

interface Marks {
  readonly code?: string | undefined
  readonly status?: number | undefined
}

function marksOf(thrown: unknown): Marks {
  if (thrown === null || typeof thrown !== 'object') return {}
  const { code, statusCode, status, cause } = thrown as { code?: unknown; statusCode?: unknown; status?: unknown; cause?: unknown }
  const inner = thrown instanceof Error && thrown.name.endsWith('Exception') && cause !== undefined ? marksOf(cause) : {}
  return { code: inner.code ?? (typeof code === 'string' ? code : undefined), status: numeric(statusCode) ?? numeric(status) }
}

const numeric = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
