import { accessScopes, type AccessScope } from './access.js'
import { answerSchema, requestSchema, type JsonSchema } from './json-schema.js'
import { problems, problemType, type ProblemCode } from './problems.js'
import type { RouteSpec } from './routes.js'

export type OpenApiDocument = Record<string, unknown> & { readonly paths: Record<string, Record<string, unknown>> }

const meanings: Record<AccessScope, string> = {
  'sessions:issue': 'issue sessions', 'sessions:read': 'read the session inventory', 'revocations:write': 'revoke sessions, tokens, subjects, devices and grants',
  'revocations:write:wide': 'revoke clients, agents, tenants and keys, and name a cutoff', 'revocations:approve': 'approve held revocations',
  'revocations:read': 'read revocations', 'lifecycle:publish': 'submit lifecycle signals', 'policies:write': 'change policies', 'fleet:read': 'read the gateway fleet',
  'audit:read': 'read the audit trail', gateway: 'serve as a gateway', admin: 'everything, in every tenant',
}

/** The OpenAPI 3.1 document of these routes: generated, so that it cannot promise what the schemas do not. */
export function openApiDocument(routes: readonly RouteSpec[], title = 'Curfew'): OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route)
  return {
    openapi: '3.1.0',
    info: { title, version: '1', description: 'The control plane that ends sessions everywhere. Errors are RFC 9457 problem documents; members and paths may be added, never changed.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }], tags: [...new Set(routes.map(({ service }) => service))].map((name) => ({ name })), paths,
    components: {
      schemas: { Problem: problemSchema },
      responses: { Problem: { description: 'What went wrong, by its stable code.', headers: { 'X-Request-Id': requestIdHeader }, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } } },
      securitySchemes: { oauth2: { type: 'oauth2', description: 'Client credentials of the control plane (RFC 6749 section 4.4).', flows: { clientCredentials: { tokenUrl: '/oauth2/token', scopes: Object.fromEntries(accessScopes.map((scope) => [scope, meanings[scope]])) } } } },
    },
  }
}

function operation(route: RouteSpec): JsonSchema {
  return {
    operationId: operationId(route), tags: [route.service], summary: route.summary, parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...requestBody(route), responses: { ...answers(route), ...refusals(route) }, security: route.scope === undefined ? [] : [{ oauth2: [route.scope] }],
  }
}

const operationId = ({ method, path }: RouteSpec): string =>
  [method.toLowerCase(), ...path.split(/[^A-Za-z0-9]+/).filter((part) => part !== '').map((part) => part[0]!.toUpperCase() + part.slice(1))].join('')

const pathParameters = ({ path }: RouteSpec): JsonSchema[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } }))

function queryParameters({ query }: RouteSpec): JsonSchema[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = requestSchema(query) as { properties?: Record<string, JsonSchema>; required?: string[] }
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }))
}

function headerParameters({ method, path, scope }: RouteSpec): JsonSchema[] {
  const tenant = { name: 'Curfew-Tenant', in: 'header', required: false, description: 'The tenant to act in, for a caller that holds `admin`.', schema: { type: 'string' } }
  const key = { name: 'Idempotency-Key', in: 'header', required: false, description: 'Same key and same request: same answer. Same key and another request: 422.', schema: { type: 'string', minLength: 1, maxLength: 255 } }
  return [...(scope === undefined ? [] : [tenant]), ...(method === 'POST' && path.startsWith('/v1/') ? [key] : [])]
}

function requestBody({ body, form }: RouteSpec): JsonSchema {
  const content = { ...(body && { 'application/json': { schema: requestSchema(body) } }), ...(form && { 'application/x-www-form-urlencoded': { schema: requestSchema(form) } }) }
  return Object.keys(content).length === 0 ? {} : { requestBody: { required: true, content } }
}

const requestIdHeader = { description: 'The id of this request, in our logs too.', schema: { type: 'string' } }
const phrases: Readonly<Record<number, string>> = { 200: 'Done.', 201: 'Created.', 202: 'Accepted; not finished yet.', 204: 'Done; there is nothing to say.' }

function answers(route: RouteSpec): JsonSchema {
  return Object.fromEntries(Object.entries(route.answers).map(([status, schema]) => [status, {
    description: phrases[Number(status)] ?? 'Answer.', headers: { 'X-Request-Id': requestIdHeader },
    ...(schema && { content: { 'application/json': { schema: answerSchema(schema) } } }),
  }]))
}

/** The refusals any route of its kind may answer; which code means what is in the catalogue of problems. */
function refusals({ scope, path }: RouteSpec): JsonSchema {
  const statuses = [400, ...(scope === undefined ? [] : [401, 403, 404]), ...(path.includes('{') ? [404] : []), 429, 503]
  return { ...Object.fromEntries(statuses.map((status) => [status, { $ref: '#/components/responses/Problem' }])), default: { $ref: '#/components/responses/Problem' } }
}

const problemSchema: JsonSchema = {
  type: 'object', required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string', format: 'uri', examples: [problemType('request.invalid')] }, title: { type: 'string' }, status: { type: 'integer' },
    code: { type: 'string', description: `One of the catalogue: ${(Object.keys(problems) as ProblemCode[]).join(', ')}.` },
    detail: { type: 'string' }, instance: { type: 'string', format: 'uri' },
    errors: { type: 'array', items: { type: 'object', required: ['pointer', 'message'], properties: { pointer: { type: 'string', description: 'RFC 6901 pointer into the body, or `?name` for a query parameter.' }, message: { type: 'string' } } } },
  },
}
