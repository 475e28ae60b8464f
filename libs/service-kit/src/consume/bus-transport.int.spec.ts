import { encodeEvent, eventKey, kafkaBus, listParked } from '@curfew/bus'
import { events, Fault, parkedTopicOf, topicCatalogue, topics } from '@curfew/contracts'
import { kafkaBrokers, topicPrefix, until } from '@curfew/testing'
import { Heard, sampleService } from '../sample-service.contract.js'
import { startServices } from '../start-services.adapter.js'
import { testPlatform } from '../test-platform.contract.js'

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

test('on Kafka two instances share the records, each is handled, and what cannot be is parked while the rest goes on', async () => {
  const prefix = topicPrefix()
  const open = () => kafkaBus({ brokers: kafkaBrokers(), clientId: 'spec', log: quiet, topicPrefix: prefix })
  const buses = [open(), open()] as const
  await buses[0].topics.apply(topicCatalogue.filter(({ name }) => [topics.sessions.name, parkedTopicOf(topics.sessions.name)].includes(name)))
  const heard = [new Heard(), new Heard()] as const
  for (const each of heard) each.onEvent = ({ id }) => (id === 'bad' ? Promise.reject(new Fault('signal.unknown')) : undefined)
  const services = await Promise.all(buses.map((bus, at) => {
    const platform = testPlatform({ bus })
    return startServices({ definitions: [sampleService(platform, heard[at as 0 | 1])], platform, host: '127.0.0.1', port: 0 })
  }))
  const ids = ['bad', ...Array.from({ length: 40 }, (_, at) => `e${at}`)]
  await buses[0].publisher.publish(ids.map((id) => encodeEvent(events.sessionEnded, eventKey('default', id), { id, source: 'session', tenant: 'default' }, {
    tenant: 'default', sessionHash: 'h', subject: { issuer: 'i', sub: id }, endedAt: '2026-01-01T00:00:00.000Z', reason: 'x', revocationId: null,
  })))
  const handled = () => new Set(heard.flatMap(({ events: seen }) => seen.map(({ id }) => id)))
  await until(() => handled().size === ids.length, { timeoutMs: 30_000, what: 'every record to be handled by one of them' })
  await until(async () => (await listParked(buses[0], { topic: parkedTopicOf(topics.sessions.name) })).length === 1, { timeoutMs: 10_000, what: 'the bad record to be parked' })
  await Promise.all(services.map((each) => each.close()))
  await Promise.all(buses.map((bus) => bus.close()))
}, 60_000)
