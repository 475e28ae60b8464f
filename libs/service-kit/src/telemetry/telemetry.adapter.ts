import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base'

export interface Telemetry {
  /** Sends what is still held, at most for some seconds. */
  close(): Promise<void>
}

/**
 * Starts tracing for this process. Spans are made, and `traceparent` travels, in any case; nothing leaves the process without `otlpUrl`
 * or a processor. A process starts it once: a second start changes nothing.
 */
export function startTelemetry(options: { readonly service: string; readonly otlpUrl?: string; readonly processors?: readonly SpanProcessor[] }): Telemetry {
  const exporting = options.otlpUrl === undefined ? [] : [new BatchSpanProcessor(new OTLPTraceExporter({ url: tracesUrl(options.otlpUrl), timeoutMillis: 5_000 }))]
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `curfew.${options.service}` }),
    spanProcessors: [...exporting, ...(options.processors ?? [])],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  return { close: () => provider.shutdown().catch(() => undefined) }
}

/** The collector's address may be given with or without the path that OTLP over HTTP prescribes. */
const tracesUrl = (url: string): string => (new URL(url).pathname.endsWith('/v1/traces') ? url : `${url.replace(/\/+$/, '')}/v1/traces`)

const tracer = () => trace.getTracer('curfew')

const readHeaders = { keys: (carrier: object) => Object.keys(carrier), get: (carrier: Record<string, unknown>, name: string) => carrier[name] as string | string[] | undefined }

/** The span of one served request, continuing the caller's trace where it names one. */
export function startServerSpan(headers: Record<string, unknown>, name: string, attributes: Record<string, string>): { readonly span: Span; readonly context: Context } {
  const parent = propagation.extract(ROOT_CONTEXT, headers, readHeaders)
  const span = tracer().startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
  return { span, context: trace.setSpan(parent, span) }
}

/** Runs the handling of one record in a span of its own, in the trace that its `traceparent` names. */
export async function inConsumerSpan<T>(traceparent: string | undefined, name: string, attributes: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const parent = propagation.extract(ROOT_CONTEXT, traceparent === undefined ? {} : { traceparent }, readHeaders)
  const span = tracer().startSpan(name, { kind: SpanKind.CONSUMER, attributes }, parent)
  try {
    return await context.with(trace.setSpan(parent, span), work)
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, ...(error instanceof Error && { message: error.name }) })
    throw error
  } finally {
    span.end()
  }
}

/** The W3C `traceparent` of what runs now, for the headers of an outbox record; undefined outside of any trace. */
export function currentTraceparent(): string | undefined {
  const carrier: Record<string, string> = {}
  propagation.inject(context.active(), carrier)
  return carrier['traceparent']
}

/** The ids that tie a log line to its trace; empty outside of any. */
export function currentTraceIds(): { readonly traceId?: string; readonly spanId?: string } {
  const active = trace.getActiveSpan()?.spanContext()
  return active === undefined ? {} : { traceId: active.traceId, spanId: active.spanId }
}
