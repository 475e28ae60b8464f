import { MessageBus } from '@curfew/bus'
import type { Provider } from '@nestjs/common'
import { Registry } from 'prom-client'
import { AccessTokens, accessTokensOf } from './access/access-tokens.js'
import { Cursors } from './cursor.js'
import { DerivedSecrets } from './derived-secrets.js'
import { ServiceClock, ServiceLog, ServiceSettings } from './injected.js'
import { CallerVerdicts, type Platform } from './service.js'
import { SharedMemory } from './shared-memory.js'

/** Everything the platform offers, as providers of one service's module. A service that judges its own callers names its `callers`. */
export function platformProviders(platform: Platform, own: { readonly callers?: CallerVerdicts } = {}): Provider[] {
  return [
    { provide: ServiceClock, useValue: platform.clock },
    { provide: ServiceLog, useValue: platform.log },
    { provide: ServiceSettings, useValue: platform },
    { provide: MessageBus, useValue: platform.bus },
    { provide: SharedMemory, useValue: platform.memory },
    { provide: Registry, useValue: platform.metrics },
    { provide: DerivedSecrets, useValue: platform.secrets },
    { provide: Cursors, useValue: platform.secrets.cursors },
    { provide: CallerVerdicts, useValue: own.callers ?? platform.callers },
    { provide: AccessTokens, useValue: accessTokensOf(platform.tokens, platform.clock) },
  ]
}
