import { eventSpec, Fault, type EventSpec, type FieldError } from '@curfew/contracts'
import { assert, defaultTenant, parseInstant, tenantId, toIso, tenantPattern, type Instant, type TenantId } from '@curfew/kernel'
import type { BusRecord, OutgoingRecord } from './port.js'

export interface EventAttributes {
  readonly id: string
  readonly source: string
  readonly tenant: string
  readonly time?: Instant
  readonly subject?: string
  readonly traceparent?: string
  readonly signature?: string
}

export interface ReceivedEvent<T = unknown> {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly tenant: TenantId
  readonly time?: Instant
  readonly traceparent?: string
  readonly signature?: string
  readonly data: T
  readonly spec: EventSpec<T>
  readonly record: BusRecord
}

/*
 * CloudEvents 1.0, Kafka protocol binding 1.0.2, binary mode:
 *   key      eventKey(tenant, …)                      keeps the order of what belongs together; never believed
 *   headers  ce_specversion "1.0", ce_id, ce_source, ce_type, ce_tenant, ce_time, ce_subject,
 *            ce_dataschema https://curfew.dev/schemas/<type>/<version>, content-type application/json,
 *            traceparent (W3C), curfew-signature (feed records)
 *   value    the data, JSON in UTF-8
 */
const schemaOf = (type: string, version: number): string => `https://curfew.dev/schemas/${type}/${version}`

/** The key under which everything of one subject, scope or session shares a partition. JSON, so that no two lists of names make one key. */
export const eventKey = (tenant: string, ...names: string[]): string => JSON.stringify([tenant, ...names])

/**
 * Writes an event as the record that carries it. Fault `record.too_large` when readers would not take its value.
 * It does not validate `data`: its type has; `type` is needed for a family of types (the lifecycle signals) only.
 */
export function encodeEvent<T>(spec: EventSpec<T>, key: string, attributes: EventAttributes, data: T, type: string = spec.type): OutgoingRecord {
  assert(!type.includes('<'), `${type} is a family of types: name one`)
  const value = Buffer.from(JSON.stringify(data), 'utf8')
  if (value.length > spec.topic.takesBytes) throw tooLarge(value.length, spec.topic.takesBytes)
  const headers: Record<string, string> = {
    ce_specversion: '1.0', ce_id: attributes.id, ce_source: attributes.source, ce_type: type, ce_tenant: attributes.tenant,
    ce_dataschema: schemaOf(type, spec.version), 'content-type': 'application/json',
  }
  if (attributes.time !== undefined) headers.ce_time = toIso(attributes.time)
  if (attributes.subject !== undefined) headers.ce_subject = attributes.subject
  if (attributes.traceparent !== undefined) headers.traceparent = attributes.traceparent
  if (attributes.signature !== undefined) headers['curfew-signature'] = attributes.signature
  return { topic: spec.topic.name, key, value, headers }
}

const tooLarge = (bytes: number, limit: number): Fault => new Fault('record.too_large', { detail: `the value has ${bytes} bytes, the topic takes ${limit}` })
const unreadable = (detail: string): Fault => new Fault('event.unreadable', { detail })

/**
 * Reads what a stranger wrote. Throws Fault `event.unreadable`, `event.type_unknown`, `event.version_unknown`, `event.invalid` or `record.too_large`.
 * A missing ce_tenant is `default`, a missing ce_dataschema is version 1, and header names are case-insensitive. The key is not looked at.
 */
export function decodeEvent(record: BusRecord): ReceivedEvent {
  const header = readHeaders(record.headers)
  const id = attribute(header, 'ce_id')
  const source = attribute(header, 'ce_source')
  const type = attribute(header, 'ce_type')
  if (attribute(header, 'ce_specversion') !== '1.0') throw unreadable('ce_specversion is not 1.0')
  const spec = eventSpec(record.topic, type)
  if (!spec) throw new Fault('event.type_unknown', { detail: `${type} is not carried by ${record.topic}` })
  checkVersion(header.get('ce_dataschema'), type, spec)
  return {
    id, source, type, spec, record, tenant: tenantOf(header.get('ce_tenant')), time: timeOf(header.get('ce_time')),
    traceparent: traceOf(header.get('traceparent') ?? header.get('ce_traceparent')), signature: header.get('curfew-signature'),
    data: validated(spec, readJson(record, spec, header.get('content-type') ?? header.get('ce_datacontenttype'))),
  }
}

const readHeaders = (headers: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

// One to 512 characters, none of them a control character: what identifiers are everywhere (contracts, `identifier`).
const attributePattern = /^[^\p{Cc}\p{Surrogate}]{1,512}$/u

function attribute(header: ReadonlyMap<string, string>, name: string): string {
  const value = header.get(name)
  if (value === undefined) throw unreadable(`the header ${name} is missing`)
  if (!attributePattern.test(value)) throw unreadable(`the header ${name} is empty, too long or holds control characters`)
  return value
}

function tenantOf(value: string | undefined): TenantId {
  if (value === undefined) return defaultTenant
  if (!tenantPattern.test(value)) throw unreadable('ce_tenant is not a tenant')
  return tenantId(value)
}

function timeOf(value: string | undefined): Instant | undefined {
  if (value === undefined) return undefined
  const at = value.length > 40 ? undefined : parseInstant(value)
  if (at === undefined) throw unreadable('ce_time is not an RFC 3339 instant')
  return at
}

// W3C Trace Context: one that cannot be read is as good as none.
const traceOf = (value: string | undefined): string | undefined => (value !== undefined && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value) ? value : undefined)

function checkVersion(dataschema: string | undefined, type: string, spec: EventSpec): void {
  if (dataschema === undefined ? spec.version === 1 : dataschema === schemaOf(type, spec.version)) return
  throw new Fault('event.version_unknown', { detail: `${(dataschema ?? 'no ce_dataschema').slice(0, 200)} is not ${schemaOf(type, spec.version)}` })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const isJson = (contentType: string): boolean => /^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i.test(contentType) && !/cloudevents/i.test(contentType)

function readJson({ value }: BusRecord, spec: EventSpec, contentType = 'application/json'): unknown {
  if (value === null) throw unreadable('the value is null')
  if (value.length > spec.topic.takesBytes) throw tooLarge(value.length, spec.topic.takesBytes)
  if (!isJson(contentType)) throw unreadable(`the content type is ${contentType.slice(0, 100)}, not JSON in CloudEvents binary mode`)
  try {
    return JSON.parse(utf8.decode(value))
  } catch (cause) {
    // The parser's own message quotes the value, which may hold an id that no log may show.
    throw new Fault('event.unreadable', { detail: 'the value is not JSON in UTF-8' }, { cause })
  }
}

/** More than a person reads at once, and few enough that a hostile value cannot make a large answer. */
const maxFieldErrors = 20

function validated<T>(spec: EventSpec<T>, data: unknown): T {
  const parsed = spec.schema.safeParse(data)
  if (parsed.success) return parsed.data
  const errors: FieldError[] = parsed.error.issues.slice(0, maxFieldErrors).map(({ path, message }) => ({ pointer: pointerTo(path), message: message.slice(0, 200) }))
  throw new Fault('event.invalid', { detail: errors.map(({ pointer, message }) => `${pointer || '/'}: ${message}`).join('; ').slice(0, 1_000), errors })
}

// RFC 6901
const pointerTo = (path: readonly PropertyKey[]): string => path.map((name) => `/${String(name).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
