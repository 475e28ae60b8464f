import { Database } from '@curfew/persistence'
import { platformProviders, type Platform } from '@curfew/service-kit'
import type { DynamicModule } from '@nestjs/common'
import { RecordEventConsumer } from './record-event/record-event.consumer.js'
import { RecordEventHandler } from './record-event/record-event.handler.js'
import { SearchEventsHttp } from './search-events/search-events.http.js'
import { AuditEventStore } from './store/audit-events.store.js'

/** Keeps the trail of everything that happened, and answers who did what, when and why. */
export class AuditModule {
  static on(platform: Platform, database: Database): DynamicModule {
    return {
      module: AuditModule,
      controllers: [RecordEventConsumer, SearchEventsHttp],
      providers: [...platformProviders(platform), { provide: Database, useValue: database }, AuditEventStore, RecordEventHandler],
    }
  }
}
