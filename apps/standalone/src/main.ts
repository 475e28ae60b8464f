import { endOnSignal, serviceLog } from '@curfew/service-kit'
import { banner } from './banner.js'
import { readConfig, type StandaloneConfig } from './config.js'
import { startEmbeddedProfile } from './embedded-profile.adapter.js'

const began = performance.now()
const seconds = (): string => ((performance.now() - began) / 1_000).toFixed(1)

function configOrExit(): StandaloneConfig {
  try {
    return readConfig()
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

const config = configOrExit()
const log = serviceLog({ name: 'standalone', level: config.logLevel })
const ending = endOnSignal(log)
try {
  const addresses = await startEmbeddedProfile({ config, log, ending, say: (step) => console.log(`  ${step} … ${seconds()} s`) })
  console.log(`  ready after ${seconds()} s`)
  console.log(banner(addresses))
} catch (error) {
  // The sentence a person needs comes first and last; the log line between has the stack.
  console.error(`Curfew could not start: ${(error as Error).message}`)
  await ending.fail(error, 'the embedded profile cannot start')
}
