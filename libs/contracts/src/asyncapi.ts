import { events, type EventSpec } from './events.js'
import { signalKinds } from './lifecycle.js'
import { messageSchema, type JsonSchema } from './json-schema.js'
import { topics, type TopicSpec } from './topics.js'

export type AsyncApiDocument = Record<string, unknown>

/** The AsyncAPI 3.0 document of every topic and message, generated from their catalogues. */
export function asyncApiDocument(title = 'Curfew'): AsyncApiDocument {
  return {
    asyncapi: '3.0.0', defaultContentType: 'application/json',
    info: { title, version: '1', description: 'CloudEvents 1.0 in the binary mode of the Kafka binding. Types and members may be added, never changed.', license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' } },
    channels: Object.fromEntries(named(topics).map(([name, topic]) => [name, channel(topic)])),
    operations: Object.fromEntries(named(topics).flatMap(([name, topic]) => operations(name, topic))),
    components: { messages: Object.fromEntries(named(events).map(([name, event]) => [name, message(event)])) },
  }
}

const named = <T>(catalogue: Readonly<Record<string, T>>): [string, T][] => Object.entries(catalogue)
const messagesOn = (topic: TopicSpec): string[] => named<EventSpec>(events).filter(([, event]) => event.topic === topic).map(([name]) => name)

function channel(topic: TopicSpec): JsonSchema {
  return {
    address: topic.name, description: `Written by ${topic.writtenBy}; read by ${topic.readBy}.`,
    messages: Object.fromEntries(messagesOn(topic).map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { kafka: {
      topic: topic.name, partitions: topic.partitions, bindingVersion: '0.5.0',
      topicConfiguration: { 'cleanup.policy': [topic.cleanup], 'retention.ms': topic.retentionMs, 'max.message.bytes': topic.maxBytes },
    } },
  }
}

function operations(name: string, topic: TopicSpec): [string, JsonSchema][] {
  const messages = messagesOn(topic).map((each) => ({ $ref: `#/channels/${name}/messages/${each}` }))
  const operation = (action: 'send' | 'receive', who: string): JsonSchema => ({ action, channel: { $ref: `#/channels/${name}` }, summary: `By ${who}.`, ...(messages.length > 0 && { messages }) })
  return [[`${name}.write`, operation('send', topic.writtenBy)], [`${name}.read`, operation('receive', topic.readBy)]]
}

function message({ type, summary, schema, topic, version }: EventSpec): JsonSchema {
  return {
    name: type, title: type, summary, contentType: 'application/json', headers: headers(type, version),
    payload: { schemaFormat: 'application/schema+json;version=draft-07', schema: messageSchema(schema) },
    bindings: { kafka: { key: { type: 'string', description: `Keeps the order of one ${topic.key}.` }, bindingVersion: '0.5.0' } },
  }
}

const text = { type: 'string' }

function headers(type: string, version: number): JsonSchema {
  return {
    type: 'object', required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type'],
    properties: {
      ce_specversion: { type: 'string', const: '1.0' }, ce_id: text, ce_source: text,
      ce_type: type.endsWith('<kind>') ? { type: 'string', examples: signalKinds.map((kind) => type.replace('<kind>', kind)) } : { type: 'string', const: type },
      ce_tenant: { type: 'string', default: 'default' }, ce_time: { type: 'string', format: 'date-time' },
      ce_dataschema: { type: 'string', format: 'uri', description: `Ends in the schema's version, ${version} when absent.` },
      'content-type': text, traceparent: text,
    },
  }
}
