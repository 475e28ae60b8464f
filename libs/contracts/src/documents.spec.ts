import { Parser } from '@asyncapi/parser'
import { asyncApiDocument, eventCatalogue, openApiDocument, routes, topics } from './index.js'

const document = openApiDocument(routes)
type Operation = { operationId: string; parameters: { name: string; in: string }[]; security: unknown[]; responses: Record<string, unknown>; requestBody?: { content: Record<string, { schema: Record<string, unknown> }> } }
const operation = (path: string, method: string) => document.paths[path]?.[method] as Operation

test('every route of the catalogue is one operation with an id of its own', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path) as Operation[])
  expect(operations).toHaveLength(routes.length)
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(routes.length)
})

test('parameters, body, scope and answers come from the schemas that are enforced', () => {
  const revoke = operation('/v1/revocations', 'post')
  expect(revoke.parameters.map(({ name }) => name)).toEqual(['wait', 'timeoutMs', 'Curfew-Tenant', 'Idempotency-Key'])
  expect(revoke.security).toEqual([{ oauth2: ['revocations:write'] }])
  expect(Object.keys(revoke.responses)).toEqual(expect.arrayContaining(['201', '202', '400', '401', '403', '429', 'default']))
  expect(revoke.requestBody?.content['application/json']?.schema).toMatchObject({ type: 'object', required: ['scope'], additionalProperties: false })
  expect(operation('/v1/sessions/{id}', 'get').parameters[0]).toMatchObject({ name: 'id', in: 'path', required: true })
})

test('an answer may grow: no reader is told to refuse members it does not know', () => {
  const { content } = operation('/v1/sessions/{id}', 'get').responses['200'] as { content: Record<string, { schema: Record<string, unknown> }> }
  expect(content['application/json']?.schema).not.toHaveProperty('additionalProperties')
})

test('a route without a scope asks for no credentials', () => {
  expect(operation('/.well-known/jwks.json', 'get').security).toEqual([])
})

test('the AsyncAPI document is valid and holds every topic and every message', async () => {
  const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument()))
  expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([])
  expect(parsed?.allChannels().all().map((channel) => channel.address()).sort()).toEqual(Object.values(topics).map(({ name }) => name).sort())
  expect(parsed?.allMessages().all().map((message) => message.name()).sort()).toEqual(eventCatalogue.map(({ type }) => type).sort())
})
