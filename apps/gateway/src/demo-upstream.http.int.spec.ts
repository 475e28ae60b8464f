import { request } from 'undici'
import { startDemoUpstream } from './demo-upstream.http.js'

test('the demo upstream shows what it received, less the credentials, and of a large body the beginning', async () => {
  const upstream = await startDemoUpstream()
  const headers = { authorization: 'Bearer secret-token', cookie: 'sid=secret-cookie', 'x-curfew-subject': 'alice' }
  const small = (await (await request(`${upstream.url}/a?b`, { method: 'POST', headers, body: 'hé' })).body.json()) as Record<string, unknown>
  expect(small).toMatchObject({ method: 'POST', path: '/a?b', bodyBytes: 3, body: 'hé', headers: { 'x-curfew-subject': 'alice', authorization: '[not shown]', cookie: '[not shown]' } })
  expect(JSON.stringify(small)).not.toContain('secret')
  const large = (await (await request(upstream.url, { method: 'POST', body: 'x'.repeat(1_000_000) })).body.json()) as Record<string, unknown>
  expect([large.bodyBytes, (large.body as string).length]).toEqual([1_000_000, 65_536])
  await upstream.close()
})
