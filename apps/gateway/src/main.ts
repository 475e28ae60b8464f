import { kafkaBus } from '@curfew/bus'
import { systemClock } from '@curfew/kernel'
import { composeGateway } from './compose.js'
import { readConfig, type GatewayProcessConfig } from './config.js'
import { gatewayLog } from './gateway-log.adapter.js'

/** A second signal, or a shutdown that hangs, ends the process the hard way. */
const shutdownWithinMs = 30_000

function configOrExit(): GatewayProcessConfig {
  try {
    return readConfig()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exit(78)
  }
}

const { gateway: config, kafkaBrokers, logLevel } = configOrExit()
const log = gatewayLog(logLevel, 'gateway')
log.info({ config, kafkaBrokers }, 'the gateway starts')
const bus = kafkaBus({ brokers: kafkaBrokers, clientId: `curfew-gateway-${config.gatewayId}`, log })

let isStopping = false
const stop = async (close: () => Promise<void>, reason: string): Promise<void> => {
  if (isStopping) process.exit(1)
  isStopping = true
  log.info({ reason }, 'the gateway stops')
  setTimeout(() => process.exit(1), shutdownWithinMs).unref()
  await close()
  await bus.close()
  process.exit(0)
}

try {
  const gateway = await composeGateway({ config, bus, clock: systemClock, log })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(gateway.close, signal))
} catch (error) {
  log.fatal({ err: error }, 'the gateway cannot start')
  await bus.close()
  process.exit(1)
}
