import { Database } from '@curfew/persistence'
import { platformProviders, type Platform } from '@curfew/service-kit'
import type { DynamicModule } from '@nestjs/common'
import { ReceiveSignalConsumer } from './receive-signal/receive-signal.consumer.js'
import { ReceiveSignalHandler } from './receive-signal/receive-signal.handler.js'
import { ReceiveSignalHttp } from './receive-signal/receive-signal.http.js'
import { ShowSignalsHttp } from './show-signals/show-signals.http.js'
import { SignalStore } from './store/signals.store.js'

/** Takes in what upstreams say happened, and asks for the revocations that follow from it. */
export class LifecycleModule {
  static on(platform: Platform, database: Database): DynamicModule {
    return {
      module: LifecycleModule,
      controllers: [ReceiveSignalConsumer, ReceiveSignalHttp, ShowSignalsHttp],
      providers: [...platformProviders(platform), { provide: Database, useValue: database }, SignalStore, ReceiveSignalHandler],
    }
  }
}
