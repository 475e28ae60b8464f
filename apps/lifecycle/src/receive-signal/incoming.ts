import type { ReceivedEvent } from '@curfew/bus'
import { Fault, signalKindOf, type SignalData, type SignalKind, type StructuredSignal } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { IncomingSignal } from './receive-signal.js'

/** A record of the lifecycle topic as a signal. The sender's data stays byte for byte; the attributes become members beside it. */
export function signalOfRecord(event: ReceivedEvent): IncomingSignal {
  return {
    tenant: event.tenant, source: event.source, signalId: event.id, kind: kindOf(event.type), data: event.data as SignalData,
    verbatim: structured(event.record.headers, event.record.value?.toString('utf8') ?? 'null'),
  }
}

/** A structured CloudEvent as a signal of the caller's tenant. One that names another tenant is refused: nobody speaks across tenants. */
export function signalOfBody(tenant: TenantId, event: StructuredSignal): IncomingSignal {
  if (event.tenant !== undefined && event.tenant !== tenant) throw new Fault('tenant.unknown', { detail: 'the event names a tenant that its sender may not speak for' })
  return { tenant, source: event.source, signalId: event.id, kind: kindOf(event.type), data: event.data, verbatim: JSON.stringify(event) }
}

function kindOf(type: string): SignalKind {
  const kind = signalKindOf(type)
  if (kind === undefined) throw new Fault('event.type_unknown', { detail: `${type} is not a lifecycle signal` })
  return kind
}

const attributeName = /^ce_([a-z0-9]{1,64})$/i

/** Binary mode as the same event in structured mode (CloudEvents JSON format section 3). A header named like the data cannot replace it. */
function structured(headers: Readonly<Record<string, string>>, data: string): string {
  const attributes = Object.entries(headers).flatMap(([header, value]): [string, string][] => {
    const name = attributeName.exec(header)?.[1]?.toLowerCase()
    return name === undefined || name === 'data' ? [] : [[name, value]]
  })
  // A byte order mark may open a JSON text of its own, but not one inside another (RFC 8259 section 8.1).
  return `${JSON.stringify(Object.fromEntries(attributes)).slice(0, -1)},"data":${data.replace(/^\uFEFF/, '')}}`
}
