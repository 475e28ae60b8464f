import { gateway, gatewayLease } from '@curfew/contracts'
import { instant } from '@curfew/kernel'
import { leaseAnswer, leaseMsFor, leaseUntil, presentGateway, type FleetMember } from './lease.js'

const now = instant(1_795_500_000_000)
const member: FleetMember = {
  id: 'gw-1', clientId: 'edge', registration: { version: '1.0.0', budgetMs: 60_000, posture: 'deny' }, registeredAt: now, renewedAt: now, leaseUntil: leaseUntil(now, 60_000),
}

test('the control plane lapses a lease later than the gateway that sent for it can still believe in it, whatever a thousandth of drift does', () => {
  for (const budgetMs of [1_000, 60_000, 86_400_000]) expect(leaseUntil(now, budgetMs) - now).toBeGreaterThan(leaseMsFor(budgetMs) * 1.001 ** 2)
})

test('a lease outlasts the budget by more than two renewals, so that an outage ends service by the budget alone', () => {
  for (const budgetMs of [1_000, 60_000, 86_400_000]) expect(leaseMsFor(budgetMs) - budgetMs).toBeGreaterThan(2 * 10_000)
})

test('a member is live until its lease ends, and not before its registration is finished', () => {
  expect(presentGateway(member, instant(member.leaseUntil - 1)).live).toBe(true)
  expect(presentGateway(member, member.leaseUntil).live).toBe(false)
  const { registeredAt: _, ...unfinished } = member
  expect(presentGateway(unfinished, now).live).toBe(false)
})

test('both answers are what the contract says', () => {
  const lease = leaseAnswer({ id: 'gw-1', registeredAt: now, budgetMs: 60_000 }, { topic: 't', topicId: 'i', partitions: 3, keys: [{ kty: 'OKP', kid: 'k' }] }, now)
  expect(gatewayLease.parse(lease)).toEqual(lease)
  expect(gateway.parse(presentGateway(member, now))).toEqual(presentGateway(member, now))
})
