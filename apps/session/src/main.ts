import { runService } from '@curfew/service-kit'
import { compose } from './compose.js'
import { readConfig } from './config.js'

await runService({ name: 'session', config: readConfig, compose })
