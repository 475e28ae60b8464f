import { kafkaBrokers, topicPrefix } from '@curfew/testing'
import { busContract } from './bus.contract.js'
import { kafkaBus } from './kafka-bus.adapter.js'
import type { BusLog } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

busContract('the Kafka bus', async () => {
  const prefix = topicPrefix()
  return { open: () => kafkaBus({ brokers: kafkaBrokers(), clientId: 'bus-contract', log: quiet, topicPrefix: prefix }), close: async () => undefined }
})
