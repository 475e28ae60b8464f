import { asyncApiDocument, openApiDocument, type RouteSpec } from '@curfew/contracts'
import type { FastifyInstance } from 'fastify'
import { docsPage, docsPolicy } from './docs-page.js'

/** Serves what is mounted as documents: `/openapi.json`, `/asyncapi.json`, and `/docs` for people. Made once; they only change with the program. */
export function addDocuments(instance: FastifyInstance, routes: readonly RouteSpec[]): void {
  const document = openApiDocument(routes)
  const texts = { openapi: JSON.stringify(document), asyncapi: JSON.stringify(asyncApiDocument()), docs: docsPage(document) }
  instance.get('/openapi.json', (_, reply) => reply.type('application/json').send(texts.openapi))
  instance.get('/asyncapi.json', (_, reply) => reply.type('application/json').send(texts.asyncapi))
  instance.get('/docs', (_, reply) => reply.type('text/html; charset=utf-8').header('content-security-policy', docsPolicy).header('referrer-policy', 'no-referrer').send(texts.docs))
}
