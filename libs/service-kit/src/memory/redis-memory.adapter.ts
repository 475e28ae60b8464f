import { Redis } from 'ioredis'
import type { Clock } from '@curfew/kernel'
import { LocalMemory } from './local-memory.adapter.js'
import { SharedMemory } from '../shared-memory.js'
import type { ServiceLog } from '../injected.js'

export interface RedisMemoryOptions {
  readonly url: string
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly log: ServiceLog
  /** Put before every key. */
  readonly prefix?: string
  /** How long a call waits for Redis. Default 100 ms. */
  readonly commandMs?: number
}

/** Redis answers in well under a millisecond; past this it is as good as away, and a request waits for it no longer. */
const usualCommandMs = 100
/** While it is away one command in this time finds out whether it is back; the others do not wait. */
const awayMs = 1_000

// One round trip. A window begins with its first hit; one that lost its expiry, say to a failover in between, gets it again.
const hitScript = `local hits = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]); left = tonumber(ARGV[1]) end
return {hits, left}`

type HitCommand = (key: string, windowMs: number) => Promise<[number, number]>

/**
 * Shared through Redis. While Redis cannot be reached it counts and remembers in this process alone, says so once per outage, and comes
 * back by itself; no call ever fails or waits longer than `commandMs`.
 */
export class RedisMemory extends SharedMemory {
  private readonly redis: Redis
  private readonly local: LocalMemory
  private awaySince: number | undefined
  private askAgainAt = 0
  private connecting: Promise<void> | undefined
  private readonly commandMs: number

  constructor(private readonly options: RedisMemoryOptions) {
    super()
    this.local = new LocalMemory(options.clock)
    this.commandMs = options.commandMs ?? usualCommandMs
    this.redis = new Redis(options.url, {
      keyPrefix: options.prefix ?? 'curfew:', commandTimeout: this.commandMs, connectTimeout: 2_000, maxRetriesPerRequest: 0, enableOfflineQueue: false,
      autoResubscribe: false, disconnectTimeout: 200, retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), 2_000),
    })
    this.redis.defineCommand('curfewHit', { numberOfKeys: 1, lua: hitScript })
    // Every failed attempt to connect is an event; the commands' own failures are what is acted upon.
    this.redis.on('error', () => undefined)
  }

  hit(key: string, windowMs: number): Promise<{ hits: number; resetMs: number }> {
    const { curfewHit } = this.redis as unknown as { curfewHit: HitCommand }
    return this.ask(async () => {
      const [hits, resetMs] = await curfewHit.call(this.redis, `hits:${key}`, windowMs)
      return { hits, resetMs }
    }, () => this.local.hit(key, windowMs))
  }

  get(key: string): Promise<string | undefined> {
    return this.ask(async () => (await this.redis.get(`value:${key}`)) ?? undefined, () => this.local.get(key))
  }

  put(key: string, value: string, ttlMs: number): Promise<void> {
    return this.ask(async () => void (await this.redis.set(`value:${key}`, value, 'PX', Math.max(1, Math.ceil(ttlMs)))), () => this.local.put(key, value, ttlMs))
  }

  async close(): Promise<void> {
    this.redis.disconnect()
    await this.local.close()
  }

  private async ask<T>(shared: () => Promise<T>, own: () => Promise<T>): Promise<T> {
    const now = this.options.clock.monotonicMs()
    if (this.awaySince !== undefined) {
      if (now < this.askAgainAt) return own()
      this.askAgainAt = now + awayMs
    }
    try {
      if (this.redis.status !== 'ready') await this.connected()
      const answer = await shared()
      this.isBack()
      return answer
    } catch (error) {
      this.isAway(error)
      return own()
    }
  }

  /** The first calls of a process meet a connection that is still being made, and wait for it as long as for any command. */
  private async connected(): Promise<void> {
    if (this.awaySince !== undefined) throw new Error('not connected')
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error('no connection in time')), this.commandMs)
        this.connecting ??= new Promise<void>((settled) => this.redis.once('ready', settled))
        void this.connecting.then(resolve)
      })
    } finally {
      clearTimeout(timer)
    }
  }

  private isAway(error: unknown): void {
    if (this.awaySince !== undefined) return
    this.awaySince = this.options.clock.monotonicMs()
    this.askAgainAt = this.awaySince + awayMs
    this.connecting = undefined
    this.options.log.warn({ err: error }, 'Redis cannot be reached: rate limits and hints live in this process until it can')
  }

  private isBack(): void {
    if (this.awaySince === undefined) return
    this.options.log.info({ awayMs: Math.round(this.options.clock.monotonicMs() - this.awaySince) }, 'Redis is back')
    this.awaySince = undefined
  }
}
