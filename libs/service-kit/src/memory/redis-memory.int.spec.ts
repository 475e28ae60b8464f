import { systemClock } from '@curfew/kernel'
import { freePort, redisPrefix, redisUrl, until } from '@curfew/testing'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { RedisMemory } from './redis-memory.adapter.js'
import { describeSharedMemory } from './shared-memory.contract.js'

jest.setTimeout(60_000)

const said: string[] = []
const log = { debug: () => undefined, info: (_: object, text: string) => void said.push(text), warn: (_: object, text: string) => void said.push(text), error: () => undefined }
beforeEach(() => void (said.length = 0))
/** Patient, so that a busy machine is not taken for an absent Redis. */
const patient = { commandMs: 10_000 }
const memoryAt = (url: string, prefix = redisPrefix(), more: { commandMs?: number } = patient) => new RedisMemory({ url, prefix, clock: systemClock, log, ...more })

describeSharedMemory('Redis', () => memoryAt(redisUrl()))

test('two instances share counts and values', async () => {
  const prefix = redisPrefix()
  const [one, other] = [memoryAt(redisUrl(), prefix), memoryAt(redisUrl(), prefix)]
  await one.hit('k', 60_000)
  expect((await other.hit('k', 60_000)).hits).toBe(2)
  await one.put('v', 'shared', 60_000)
  expect(await other.get('v')).toBe('shared')
  await Promise.all([one.close(), other.close()])
})

describe('when Redis goes away', () => {
  let port: number
  let redis: ChildProcess | undefined
  const start = async (): Promise<void> => {
    redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' })
    await once(redis, 'spawn')
  }
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const gone = once(redis as ChildProcess, 'exit')
    redis?.kill(signal)
    await gone
    redis = undefined
  }
  beforeEach(async () => {
    port = await freePort()
    await start()
  })
  afterEach(async () => {
    if (redis) await kill()
  })

  test('calls go on in this process, one line says so, and Redis is used again once it is back', async () => {
    const memory = memoryAt(`redis://127.0.0.1:${port}`)
    await until(async () => (await memory.hit('warm', 60_000)).hits > 0 && said.length % 2 === 0, { timeoutMs: 10_000, what: 'Redis to count' })
    said.length = 0
    await memory.hit('k', 60_000)
    await kill()
    const hits: number[] = []
    for (let at = 0; at < 50; at += 1) hits.push((await memory.hit('k', 60_000)).hits)
    await memory.put('v', 'here', 60_000)
    expect(await memory.get('v')).toBe('here')
    expect(hits).toEqual(Array.from({ length: 50 }, (_, at) => at + 1))
    expect(said).toEqual([expect.stringContaining('cannot be reached')])
    await start()
    await until(async () => (await memory.get('v')) === undefined, { timeoutMs: 20_000, what: 'the empty, new Redis to answer' })
    expect(said).toEqual([expect.stringContaining('cannot be reached'), 'Redis is back'])
    await memory.close()
  })

  test('one that hangs is waited for a tenth of a second, and not by every call', async () => {
    const memory = memoryAt(`redis://127.0.0.1:${port}`, redisPrefix(), {})
    await until(async () => (await memory.hit('warm', 60_000)).hits > 0 && said.length % 2 === 0, { timeoutMs: 10_000, what: 'Redis to count' })
    redis?.kill('SIGSTOP')
    const startedAt = performance.now()
    for (let at = 0; at < 20; at += 1) await memory.hit('k', 60_000)
    // One wait per second of outage, where twenty calls in turn would have waited two.
    expect(performance.now() - startedAt).toBeLessThan(1_900)
    redis?.kill('SIGCONT')
    await memory.close()
  })
})

test('an address that takes connections and never answers, and one that refuses them, hold up nobody', async () => {
  const sockets: Socket[] = []
  const silent: Server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  for (const port of [(silent.address() as { port: number }).port, await freePort()]) {
    const memory = memoryAt(`redis://127.0.0.1:${port}`, redisPrefix(), {})
    expect((await memory.hit('k', 60_000)).hits).toBe(1)
    expect((await memory.hit('k', 60_000)).hits).toBe(2)
    await memory.close()
  }
  for (const socket of sockets) socket.destroy()
  silent.close()
})
