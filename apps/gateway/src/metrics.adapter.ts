import type { FollowedFeed } from '@curfew/feed'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What a gateway counts. No label holds a token, a session or a subject (I12). */
export interface GatewayMetrics {
  readonly registry: Registry
  onDone(outcome: string, tookMs: number): void
}

/** From what one decision costs to what a slow upstream takes, seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function gatewayMetrics(feed: FollowedFeed, tokens: { readonly size: number }): GatewayMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const decisions = new Counter({ name: 'curfew_gateway_requests_total', help: 'Requests by what became of them.', labelNames: ['outcome'] as const, registers })
  const duration = new Histogram({ name: 'curfew_gateway_request_duration_seconds', help: 'From the last byte of the headers to the last byte of the answer.', labelNames: ['outcome'] as const, buckets, registers })
  gauge('curfew_gateway_staleness_ms', 'How old the denylist may be, by the primary\'s clock; +Inf before the first watermark.', () => feed.stalenessMs())
  gauge('curfew_gateway_entries', 'Live entries of the denylist.', () => feed.entries())
  gauge('curfew_gateway_ready', '1 when the denylist may answer.', () => (feed.isReady ? 1 : 0))
  gauge('curfew_gateway_verified_tokens', 'Tokens whose signature is remembered.', () => tokens.size)
  gauge('curfew_gateway_frozen_partitions', 'Partitions of the feed whose watermark stands still.', () => feed.status().frozenPartitions.length)
  const skipped = new Gauge({
    name: 'curfew_gateway_feed_records_skipped_total', help: 'Records of the feed that were not applied, by why. Each is an alarm.', labelNames: ['reason'] as const, registers,
    collect: () => {
      const { notAuthentic, notUnderstood, aheadOfTime } = feed.status().alarms
      skipped.set({ reason: 'not_authentic' }, notAuthentic)
      skipped.set({ reason: 'not_understood' }, notUnderstood)
      skipped.set({ reason: 'ahead_of_time' }, aheadOfTime)
    },
  })
  gauge('curfew_gateway_feed_bootstraps_total', 'How often the denylist started over from a snapshot.', () => feed.status().bootstraps)
  return {
    registry,
    onDone: (outcome, tookMs) => {
      decisions.inc({ outcome })
      duration.observe({ outcome }, tookMs / 1000)
    },
  }

  function gauge(name: string, help: string, read: () => number): void {
    const one: Gauge = new Gauge({ name, help, registers, collect: () => one.set(read()) })
  }
}
