import { Heard, sampleService } from '../sample-service.contract.js'
import { runService } from './run-service.adapter.js'
import { readServiceConfig } from './service-config.js'

/** The process of the sample service, as a `main.ts` would be; it consumes nothing, since the broker is shared. */
void runService({
  name: 'audit', config: () => readServiceConfig('audit', process.env),
  compose: (platform) => {
    if (process.env['CURFEW_TEST_FAULT'] === 'compose') return Promise.reject(new Error('the schema is of a later release'))
    if (process.env['CURFEW_TEST_FAULT'] === 'rejection') setTimeout(() => void Promise.reject(new Error('nobody waits for this')), 500)
    const { transport: _, ...definition } = sampleService(platform, new Heard())
    return Promise.resolve(definition)
  },
})
