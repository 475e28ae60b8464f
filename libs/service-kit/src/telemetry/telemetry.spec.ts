import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { setImmediate as turn } from 'node:timers/promises'
import { currentTraceIds, currentTraceparent, inConsumerSpan, startTelemetry } from './telemetry.adapter.js'

const exporter = new InMemorySpanExporter()
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('outside of any trace there is no traceparent, started or not', () => {
  expect(currentTraceparent()).toBeUndefined()
  startTelemetry({ service: 'spec', processors: [new SimpleSpanProcessor(exporter)] })
  expect([currentTraceparent(), currentTraceIds()]).toEqual([undefined, {}])
})

test('what runs in a consumer span continues the record\'s trace, across awaits, and is recorded under it', async () => {
  const seen = await inConsumerSpan(traceparent, 'process topic', { topic: 't' }, async () => {
    await turn()
    return [currentTraceparent(), currentTraceIds().traceId]
  })
  expect(seen).toEqual([expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/), '4bf92f3577b34da6a3ce929d0e0e4736'])
  expect(exporter.getFinishedSpans().at(-1)).toMatchObject({ name: 'process topic', parentSpanContext: { spanId: '00f067aa0ba902b7' } })
})

test.each([undefined, '', 'nonsense', '00-00000000000000000000000000000000-00f067aa0ba902b7-01', 'ff'.repeat(500)])('a traceparent like %p begins a trace of its own', async (given) => {
  const seen = await inConsumerSpan(given, 'process topic', {}, () => Promise.resolve(currentTraceparent()))
  expect(seen).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(seen).not.toContain('4bf92f3577b34da6')
})

test('a handler\'s error leaves the span as it was thrown, and marks it', async () => {
  const error = new TypeError('no')
  await expect(inConsumerSpan(undefined, 'fails', {}, () => Promise.reject(error))).rejects.toBe(error)
  expect(exporter.getFinishedSpans().at(-1)).toMatchObject({ name: 'fails', status: { code: 2, message: 'TypeError' } })
})
