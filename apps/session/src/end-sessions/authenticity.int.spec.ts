import { encodeEvent, type OutgoingRecord } from '@curfew/bus'
import { events, type IssuedSession } from '@curfew/contracts'
import { instant, toIso } from '@curfew/kernel'
import { handFeedKey } from '@curfew/service-kit/testing'
import { startSession, type SessionService } from '../session-service.contract.js'

// With a real follower judging the records: what the control plane did not sign ends nothing here either.
const plane = handFeedKey()
const stranger = handFeedKey()
let service: SessionService
beforeAll(async () => { service = await startSession({ authenticityOf: plane.authenticityOf }) })
afterAll(async () => {
  await service.close()
  await Promise.all([plane.close(), stranger.close()])
})

const issue = async (sub: string, more: object = {}): Promise<IssuedSession['session']> => (await service.issue({ subject: { sub }, ...more })).body.session
const subject = (sub: string) => ({ kind: 'subject', issuer: service.platform.issuer, sub }) as const
const parked = () => service.bus.published.splice(0).filter(({ topic }) => topic === 'curfew.revocations.parked.v1').map(({ headers }) => headers['curfew-parked-reason'])
const spoilt = (record: OutgoingRecord, header: string, text: string): OutgoingRecord => ({ ...record, headers: { ...record.headers, [header]: text } })

const forgeries: [string, (record: OutgoingRecord) => OutgoingRecord][] = [
  ['an unsigned record', (record) => record],
  ['a record with something else for a signature', (record) => spoilt(record, 'curfew-signature', 'x')],
  ['a record signed by a stranger under the name of our key', (record) => stranger.signed(record)],
  ['a record whose value is not the one that was signed', (record) => ({ ...plane.signed(record), value: Buffer.from(String(record.value).replace('"helpdesk"', '"mallory0"')) })],
  ['a record that was signed under another id', (record) => spoilt(plane.signed(record), 'ce_id', 'another')],
  ['a record with two signatures', (record) => spoilt(plane.signed(record), 'Curfew-Signature', 'x')],
]

test.each(forgeries)('%s ends no session, keeps none from being issued, and is parked', async (name, sealed) => {
  const session = await issue(name)
  const authenticatedAt = session.beganAt
  await service.revoke(subject(name), { sealed })
  expect(parked()).toEqual(['event.not_authentic'])
  expect((await service.show(session.id)).status).toBe('active')
  expect((await service.issue({ subject: { sub: name }, authenticatedAt })).status).toBe(201)
  expect(await service.rows('SELECT 1 FROM cutoffs')).toEqual([])
  expect(await service.rows('SELECT 1 FROM refresh_tokens WHERE session_id = $1 AND ended_at IS NULL', [session.id])).toHaveLength(1)
})

test('an unsigned revocation of a signing key replaces none', async () => {
  const jwks = async () => (await fetch(`${service.url}/.well-known/jwks.json`)).text()
  const before = await jwks()
  const { keys: [key] } = JSON.parse(before) as { keys: { kid: string }[] }
  await service.revoke({ kind: 'key', issuer: service.platform.issuer, kid: key?.kid ?? '' }, { everyTenant: true })
  expect([parked(), await jwks()]).toEqual([['event.not_authentic'], before])
})

test('watermarks and quarantines are judged alike', async () => {
  const at = toIso(instant(Date.now()))
  const said = (id: string) => ({ id, source: 'urn:curfew:revocation', tenant: 'default' })
  const mark = encodeEvent(events.watermarkAdvanced, 'k', said('w1'), { at, partitions: 3 })
  const hold = encodeEvent(events.quarantineChanged, 'k', said('q1'),
    { tenant: 'default', agentId: 'bot', version: 1, quarantined: true, forgetAfter: at, initiator: { kind: 'client', id: 'c' }, reason: { code: 'odd' } })
  for (const record of [mark, hold, plane.signed(mark), plane.signed(hold)]) await service.bus.hand(record)
  expect(parked()).toEqual(['event.not_authentic', 'event.not_authentic'])
})

// The last, since the specs above say that no cutoff is known.
test('the same record with the control plane\'s signature ends the session', async () => {
  const session = await issue('ann')
  await service.revoke(subject('ann'), { sealed: plane.signed })
  expect([parked(), (await service.show(session.id)).status]).toEqual([[], 'ended'])
})
