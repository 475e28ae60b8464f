import type { ProblemDocument, Revocation } from '@curfew/contracts'
import { freshDatabase, type FreshDatabase } from '@curfew/testing'
import { randomUUID } from 'node:crypto'
import { HandFeed } from '../hand-feed.contract.js'
import { runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
let admin: string
let acme: string
const feed = new HandFeed()

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus: feed, databaseUrl: database.url })
  admin = await service.platform.token('admin')
  acme = await service.platform.token('revocations:write revocations:read', { tenant: 'acme' })
  for (const sub of ['a', 'b', 'c', 'd', 'e']) await service.revoke(admin, { scope: { kind: 'subject', sub } })
  await service.revoke(admin, { scope: { kind: 'client', clientId: 'web' } })
  await service.revoke(acme, { scope: { kind: 'subject', sub: 'a' } })
})
afterAll(async () => {
  await service.services.close()
  await database.drop()
})

interface Page {
  readonly items: Revocation[]
  readonly nextCursor: string | null
}
const list = (query = '', token = admin, headers = {}) => service.call<Page>(`/v1/revocations${query}`, token, { headers })
const names = ({ body }: { body: Page }) => body.items.map(({ scope }) => (scope.kind === 'subject' ? scope.sub : scope.kind))

test('the newest decision comes first, and a tenant sees its own only', async () => {
  expect(names(await list())).toEqual(['client', 'e', 'd', 'c', 'b', 'a'])
  expect(names(await list('', acme))).toEqual(['a'])
  expect((await list('', acme)).body.items[0]?.tenant).toBe('acme')
})

test('pages follow one another and end; what is decided meanwhile neither repeats nor hides a row', async () => {
  const first = await list('?limit=2')
  await service.revoke(admin, { scope: { kind: 'device', deviceId: 'between' } })
  const second = await list(`?limit=2&cursor=${first.body.nextCursor}`)
  const third = await list(`?limit=2&cursor=${second.body.nextCursor}`)
  expect([first, second, third].map(names)).toEqual([['client', 'e'], ['d', 'c'], ['b', 'a']])
  expect(third.body.nextCursor).toBeNull()
})

test.each([['?kind=client', ['client']], ['?sub=c', ['c']], ['?sub=c&kind=client', []], ['?state=enforced', []], ['?state=pending_approval', []], ['?state=accepted', []]])('%s narrows it', async (query, expected) => {
  expect(names(await list(query))).toEqual(expected)
})

test.each(['?limit=0', '?limit=501', '?cursor=x', '?state=gone', '?who=me'])('%s is refused', async (query) => {
  const { status, body } = await service.call<ProblemDocument>(`/v1/revocations${query}`, admin)
  expect([status, body.code]).toEqual([400, 'request.invalid'])
})

test('a cursor opens no other list', async () => {
  const { body: { nextCursor } } = await list('?limit=2')
  expect((await list(`?limit=2&kind=subject&cursor=${nextCursor}`)).status).toBe(400)
  expect((await list(`?limit=2&cursor=${nextCursor}`, acme)).status).toBe(400)
})

test('an administrator may look into another tenant; nobody else, and none that is not there', async () => {
  expect(names(await list('', admin, { 'curfew-tenant': 'acme' }))).toEqual(['a'])
  expect((await list('', acme, { 'curfew-tenant': 'default' })).status).toBe(404)
  expect((await list('', admin, { 'curfew-tenant': 'nobody' })).status).toBe(404)
})

test('another tenant\'s revocation, no revocation and no id at all are equally unknown', async () => {
  const [mine] = (await list('?limit=1')).body.items
  for (const id of [mine?.id, randomUUID(), 'not-an-id', '%00']) {
    const { status, body } = await service.call<ProblemDocument>(`/v1/revocations/${id}`, acme)
    expect([status, body.code]).toEqual([404, 'revocation.unknown'])
  }
})
