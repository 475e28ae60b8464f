import type { QuarantineRecord, RevocationRecord } from '@curfew/contracts'
import { defaultTenant, instant, toIso } from '@curfew/kernel'
import { generateKeyPairSync } from 'node:crypto'
import { quarantineEvent, revocationEvent, watermarkEvents } from './feed-events.adapter.js'
import { FeedSigner } from './feed-signer.adapter.js'

const signer = new FeedSigner({ kid: 'k1', privateKey: generateKeyPairSync('ed25519').privateKey }, [])
const at = instant(1_795_500_000_000)
const said = { tenant: defaultTenant, forgetAfter: toIso(at), reason: { code: 'test' }, initiator: { kind: 'client', id: 'ops' } } as const
const decided: RevocationRecord = { ...said, id: '0197c0de-0000-7000-8000-000000000001', scope: { kind: 'tenant' }, cutoff: toIso(at), except: [], decidedAt: toIso(at) }
const held: QuarantineRecord = { ...said, agentId: 'a', version: 1, quarantined: true }
const feed = [revocationEvent(decided, signer), quarantineEvent(decided.id, held, signer), ...watermarkEvents(at, 2, signer)]

test('whatever this service says on the feed names it as every service of ours is named, and is signed', () => {
  expect(feed.map(({ headers }) => headers['ce_source'])).toEqual(Array(4).fill('urn:curfew:revocation'))
  for (const { headers } of feed) expect(headers['curfew-signature']).toMatch(/^k1\./)
})

test('no two of its events share an id, so source and id still tell them apart; only a repeat has the id of the first', () => {
  const ids = [feed[0], ...feed.slice(2)].map((record) => record?.headers['ce_id'])
  expect(new Set(ids).size).toBe(ids.length)
  expect(watermarkEvents(at, 2, signer).map(({ headers }) => headers['ce_id'])).toEqual(feed.slice(2).map(({ headers }) => headers['ce_id']))
})
