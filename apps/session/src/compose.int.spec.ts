import { ownPostgres, until } from '@curfew/testing'
import { startSession } from './session-service.contract.js'

test('while PostgreSQL is away every call answers 503 and says when to try again; afterwards all is as before', async () => {
  const postgres = await ownPostgres()
  const service = await startSession({ databaseUrl: postgres.url })
  const { body: { session } } = await service.issue()
  await postgres.kill()
  const token = { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'admin', client_secret: 'x' }) }
  for (const { status, headers, code } of [
    await service.issue().then(({ status, headers, body }) => ({ status, headers, code: (body as unknown as { code: string }).code })),
    await service.call('GET', `/v1/sessions/${session.id}`).then(({ status, headers, body }) => ({ status, headers, code: body['code'] })),
    await fetch(`${service.url}/oauth2/token`, token).then(async (answer) => ({ status: answer.status, headers: answer.headers, code: ((await answer.json()) as { error: string }).error })),
  ]) {
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(['dependency.unavailable', 'temporarily_unavailable']).toContain(code)
  }
  expect((await fetch(`${service.url}/readyz`)).status).toBe(503)
  expect((await fetch(`${service.url}/livez`)).status).toBe(200)
  expect((await fetch(`${service.url}/.well-known/jwks.json`)).status).toBe(200)
  await postgres.start()
  await until(async () => (await service.issue()).status === 201, { timeoutMs: 20_000, what: 'issuing to work again' })
  expect(await service.show(session.id)).toEqual(session)
  await service.close()
  await postgres.close()
}, 60_000)

test('no token, secret or session id is where it must not be (I12)', async () => {
  const service = await startSession()
  const { body: parent } = await service.issue({ subject: { sub: 'secretive' } })
  const { body: child } = await service.issue({ subject: { sub: 'bot' }, parentSessionId: parent.session.id }, { headers: { 'idempotency-key': 'once' } })
  const { body: again } = await service.issue({ subject: { sub: 'bot' }, parentSessionId: parent.session.id }, { headers: { 'idempotency-key': 'once' } })
  const { body: client } = await service.call('PUT', '/v1/clients/ci', { body: { scopes: ['gateway'] } })
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'ci', client_secret: String(client['clientSecret']) })
  const { access_token: clientToken } = (await (await fetch(`${service.url}/oauth2/token`, { method: 'POST', body: form })).json()) as { access_token: string }
  await fetch(`${service.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'ci', client_secret: 'a-mistyped-secret' }) })
  await service.call('GET', `/v1/sessions/${parent.session.id}`)
  await service.revoke({ kind: 'session', id: parent.session.id })
  const told = () => service.bus.published.filter(({ topic }) => topic === 'curfew.sessions.v1')
  await until(() => told().length === 4, { timeoutMs: 5_000, what: 'two beginnings and two endings' })

  const credentials = [parent, child, again].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken])
    .concat(String(client['clientSecret']), clientToken, 'a-mistyped-secret', service.platform.bootstrapClient.secret.reveal())
  const tables = await service.rows<{ name: string }>(`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'curfew_session'`)
  const rows = (await Promise.all(tables.map(({ name }) => service.rows<{ row: string }>(`SELECT convert_from(convert_to(t::text, 'UTF8'), 'UTF8') AS row FROM ${name} AS t`)))).flat().map(({ row }) => row)
  const records = service.bus.published.map(({ key, value, headers }) => `${key ?? ''} ${String(value)} ${JSON.stringify(headers)}`)
  const metrics = await service.platform.metrics.metrics()
  const logs = service.platform.lines.join('\n')
  expect(rows.length).toBeGreaterThan(10)
  for (const credential of credentials) expect([rows, records, [metrics], [logs]].flat().filter((text) => text.includes(credential))).toEqual([])
  for (const { session } of [parent, child]) expect([records, [metrics], [logs]].flat().filter((text) => text.includes(session.id))).toEqual([])
  await service.close()
})
