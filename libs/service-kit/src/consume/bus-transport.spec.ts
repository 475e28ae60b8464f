import { encodeEvent, type OutgoingRecord } from '@curfew/bus'
import { events, Fault } from '@curfew/contracts'
import { Controller, Module } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { topics } from '@curfew/contracts'
import { until } from '@curfew/testing'
import { of } from 'rxjs'
import { Heard, sampleService } from '../sample-service.contract.js'
import { startServices, type RunningServices } from '../start-services.adapter.js'
import { BusTransport } from './bus-transport.consumer.js'
import { ConsumerMetrics } from './consumer-metrics.adapter.js'
import { startTelemetry } from '../telemetry/telemetry.adapter.js'
import { HandBus, testPlatform, type TestPlatform } from '../test-platform.contract.js'

jest.setTimeout(20_000)
startTelemetry({ service: 'spec' })

let platform: TestPlatform
let bus: HandBus
let heard: Heard
let services: RunningServices

beforeEach(async () => {
  bus = new HandBus()
  platform = testPlatform({ bus })
  heard = new Heard()
  services = await startServices({ definitions: [sampleService(platform, heard)], platform, host: '127.0.0.1', port: 0 })
  await until(() => bus.groups.length === 1, { timeoutMs: 5_000, what: 'the consumer to start' })
})
afterEach(() => services.close())

const ended = (id: string, traceparent?: string): OutgoingRecord => encodeEvent(events.sessionEnded, 'k', { id, source: 'session', tenant: 'acme', ...(traceparent && { traceparent }) }, {
  tenant: 'acme', sessionHash: 'h', subject: { issuer: 'i', sub: 's' }, endedAt: '2026-01-01T00:00:00.000Z', reason: 'x', revocationId: null,
})
const count = async (name: string): Promise<string[]> => (await platform.metrics.metrics()).split('\n').filter((line) => line.startsWith(name))

test('a service reads the topics it has handlers for, as its own group, and no other', () => {
  expect(bus.groups.map(({ group, topics: read }) => [group, read])).toEqual([['curfew.audit', [topics.sessions.name]]])
})

test('a handler is given the decoded event, and runs in the trace of its record', async () => {
  await bus.hand(ended('1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'))
  expect(heard.events).toEqual([expect.objectContaining({ id: '1', tenant: 'acme', type: 'curfew.session.ended' })])
  expect(heard.traceparents).toEqual([expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-/)])
  expect(await count('curfew_consumer_handled_total')).toEqual(['curfew_consumer_handled_total{service="audit",topic="curfew.sessions.v1"} 1'])
})

test('a handler\'s fault reaches the delivery rules as it was thrown: it decides what becomes of the record', async () => {
  heard.onEvent = () => {
    throw new Fault('signal.incomplete', { detail: 'a device is missing' })
  }
  await bus.hand(ended('1'))
  expect(bus.published.map(({ topic, headers }) => [topic, headers['curfew-parked-reason'], headers['curfew-parked-detail']])).toEqual([['curfew.sessions.parked.v1', 'signal.incomplete', 'a device is missing']])
  expect(await count('curfew_consumer_parked_total')).toEqual(['curfew_consumer_parked_total{service="audit",topic="curfew.sessions.v1",reason="signal.incomplete"} 1'])
})

test('what may pass is tried again and counted, and then it is done', async () => {
  let failures = 0
  heard.onEvent = async () => {
    await Promise.resolve()
    if ((failures += 1) < 3) throw new Fault('dependency.unavailable')
  }
  await bus.hand(ended('1'))
  expect(heard.events).toHaveLength(3)
  expect(bus.published).toEqual([])
  expect(await count('curfew_consumer_retried_total')).toEqual(['curfew_consumer_retried_total{service="audit",topic="curfew.sessions.v1"} 2'])
})

test('a record that cannot be read is parked without ever meeting the handler', async () => {
  await bus.hand({ topic: topics.sessions.name, key: null, value: Buffer.from('garbage'), headers: {} })
  expect([heard.events, bus.published[0]?.headers['curfew-parked-reason']]).toEqual([[], 'event.unreadable'])
})

test('a service comes up without its bus, says so, and consumes when the bus is back', async () => {
  const away = new HandBus()
  away.isReachable = false
  const one = testPlatform({ bus: away })
  const running = await startServices({ definitions: [sampleService(one)], platform: one, host: '127.0.0.1', port: 0 })
  const ready = async () => {
    const answer = await fetch(`${running.url}/readyz`)
    return [answer.status, (await answer.json() as { reasons?: string[] }).reasons]
  }
  expect(await ready()).toEqual([503, ['the message bus fails', 'the consumer curfew.audit: cannot reach its topics']])
  away.isReachable = true
  await until(async () => (await fetch(`${running.url}/readyz`)).status === 200, { timeoutMs: 10_000, what: 'the consumer to start after all' })
  await running.close()
})

test('two services in one process keep apart: each has its own group, handlers and counters', async () => {
  const OTHER = Symbol('session')
  const seen: string[] = []

  @Controller()
  class Other {
    @EventPattern<string>(topics.sessions.name, OTHER)
    on(@Payload() event: { id: string }) {
      seen.push(event.id)
      return of('handlers may answer with a stream')
    }
  }
  class OtherModule {}
  Module({})(OtherModule)
  const both = new HandBus()
  const one = testPlatform({ bus: both })
  const mine = new Heard()
  mine.onEvent = () => Promise.reject(new Fault('signal.unknown'))
  const other = { ...sampleService(one), name: 'session' as const, module: { module: OtherModule, controllers: [Other] }, transport: OTHER, routes: [] }
  const running = await startServices({ definitions: [sampleService(one, mine), other], platform: one, host: '127.0.0.1', port: 0 })
  await until(() => both.groups.length === 2, { timeoutMs: 5_000, what: 'both consumers' })
  await both.hand(ended('1'))
  expect([both.groups.map(({ group }) => group).sort(), mine.events.length, seen, both.published.length]).toEqual([['curfew.audit', 'curfew.session'], 1, ['1'], 1])
  await running.close()
})

describe('a record of the revocations topic', () => {
  const watermark = encodeEvent(events.watermarkAdvanced, 'k', { id: 'w', source: 'urn:curfew:revocation', tenant: 'default' }, { at: '2026-01-01T00:00:00.000Z', partitions: 3 })
  const listening = async (...found: ('authentic' | 'forged' | 'unknown')[]) => {
    const met: string[] = []
    const own = new HandBus()
    const { metrics } = testPlatform()
    const transport = new BusTransport({
      service: 'session', transport: Symbol('session'), bus: own, clock: platform.clock, log: platform.log, metrics: new ConsumerMetrics(metrics),
      authenticityOf: () => (found.length > 1 ? found.shift() : found[0]) ?? 'unknown',
    })
    transport.addHandler(topics.revocations.name, (event: { id: string }) => Promise.resolve(void met.push(event.id)), true)
    transport.listen(() => undefined)
    await until(() => own.groups.length === 1, { timeoutMs: 5_000, what: 'the consumer to start' })
    await own.hand(watermark)
    await transport.close()
    const retried = /curfew_consumer_retried_total\{.*\} (\d+)/.exec(await metrics.metrics())?.[1]
    return { met, parked: own.published.map(({ headers }) => headers['curfew-parked-reason']), retried: Number(retried ?? 0) }
  }

  test('meets its handler only when the control plane wrote it; else it is parked', async () => {
    expect(await listening('authentic')).toEqual({ met: ['w'], parked: [], retried: 0 })
    expect(await listening('forged')).toEqual({ met: [], parked: ['event.not_authentic'], retried: 0 })
  })

  test('waits while the keys are not known, and is not parked for it', async () => {
    expect(await listening('unknown', 'unknown', 'authentic')).toEqual({ met: ['w'], parked: [], retried: 2 })
  })

  test('that waits for the keys is told of quietly and once: every start passes through it', async () => {
    platform.lines.length = 0
    await listening('unknown', 'unknown', 'unknown', 'authentic')
    const told = platform.lines.map((line) => JSON.parse(line) as { level: number; msg: string }).filter(({ level }) => level > 20)
    expect(told.map(({ level, msg }) => [level, msg])).toEqual([[30, 'records wait until the keys of the feed are known'], [30, 'the keys of the feed are known now']])
  })
})

test('two handlers of one topic in a service are refused at the start', async () => {
  const TWICE = Symbol('twice')

  @Controller()
  class Twice {
    @EventPattern<string>(topics.sessions.name, TWICE)
    one(): void {
      return undefined
    }

    @EventPattern<string>(topics.sessions.name, TWICE)
    two(): void {
      return undefined
    }
  }
  class TwiceModule {}
  Module({})(TwiceModule)
  const one = testPlatform()
  const definition = { ...sampleService(one), module: { module: TwiceModule, controllers: [Twice] }, transport: TWICE, routes: [] }
  await expect(startServices({ definitions: [definition], platform: one, host: '127.0.0.1', port: 0 })).rejects.toThrow('more than one handler')
})
