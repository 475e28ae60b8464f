import { freePort, until } from '@curfew/testing'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { Agent, request } from 'undici'
import type { RunningGateway } from '../compose.js'
import { createProxy } from './proxy.http.js'
import { listening, readyGateway, ScriptedControlPlane, textOf } from '../running-gateway.contract.js'

let plane: ScriptedControlPlane
let gateway: RunningGateway
let authorization: string
let handle: RequestListener
let upstream: Awaited<ReturnType<typeof listening>>
const agent = new Agent({ keepAliveTimeout: 1 })

beforeAll(async () => {
  plane = await ScriptedControlPlane.start()
  upstream = await listening((incoming, response) => handle(incoming, response))
  gateway = await readyGateway(plane, { upstreamUrl: upstream.url, upstreamTimeoutMs: 2_000, drainMs: 100 })
  authorization = `Bearer ${await plane.token()}`
})
afterAll(async () => {
  await gateway.close()
  await Promise.all([plane.close(), upstream.close(), agent.close()])
})

const call = (path: string, options: Partial<Parameters<typeof request>[1]> = {}) =>
  request(`${gateway.proxyUrl}${path}`, { dispatcher: agent, ...options, headers: { authorization, ...(options?.headers as Record<string, string>) } })
const problemOf = async (answer: Awaited<ReturnType<typeof call>>) => [answer.statusCode, ((await answer.body.json()) as { code: string }).code]

/** What comes back for these bytes, on one connection, until it ends or `isEnough`. */
async function raw(bytes: string, isEnough: (text: string) => boolean = () => false, url = gateway.proxyUrl): Promise<{ text: string; socket: Socket }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (more: string) => (text += more)).on('error', () => undefined)
  socket.write(bytes, 'latin1')
  await until(() => socket.closed || isEnough(text), { timeoutMs: 5_000, what: `an answer, after ${text}` })
  return { text, socket }
}

describe('streams', () => {
  test('both ways at once: each part arrives before the next is sent', async () => {
    handle = (incoming, response) => {
      response.writeHead(200)
      incoming.pipe(response)
    }
    const echo = httpRequest(`${gateway.proxyUrl}/echo`, { method: 'POST', headers: { authorization } })
    let received = ''
    echo.on('response', (response) => response.setEncoding('utf8').on('data', (part: string) => (received += part)))
    for (const part of ['one,', 'two,', 'three']) {
      echo.write(part)
      await until(() => received.endsWith(part), { timeoutMs: 5_000, what: part })
    }
    echo.end()
    await once(echo, 'close')
    expect(received).toBe('one,two,three')
  })

  test('large bodies whole, of known and of unknown length', async () => {
    handle = (incoming, response) => {
      response.writeHead(200, { 'x-length': String(incoming.headers['content-length']), 'x-coding': String(incoming.headers['transfer-encoding']) })
      incoming.pipe(response)
    }
    const body = randomBytes(5_000_000)
    const known = await call('/', { method: 'PUT', body })
    expect([Buffer.from(await known.body.arrayBuffer()).equals(body), known.headers['x-length'], known.headers['x-coding']]).toEqual([true, '5000000', 'undefined'])
    const unknown = await call('/', { method: 'PUT', body: (async function* () { yield body })() as never })
    expect([Buffer.from(await unknown.body.arrayBuffer()).equals(body), unknown.headers['x-coding']]).toEqual([true, 'chunked'])
  })

  test('with back-pressure: an upstream that sends faster than the client reads is held', async () => {
    let sent = 0
    handle = (_incoming, response) => {
      response.writeHead(200)
      const part = Buffer.alloc(65_536)
      const more = (): void => {
        while (sent < 400 && response.write(part)) sent += 1
        if (sent < 400) response.once('drain', () => { sent += 1; more() })
        else response.end()
      }
      more()
    }
    const slow = httpRequest(`${gateway.proxyUrl}/`, { headers: { authorization } }).end()
    const [response] = (await once(slow, 'response')) as [IncomingMessage]
    response.pause()
    let before = -1
    await until(async () => {
      const isStill = sent === before
      before = sent
      return isStill
    }, { timeoutMs: 5_000, what: 'the upstream to be held' })
    expect(sent).toBeLessThan(400)
    let length = 0
    response.on('data', (part: Buffer) => (length += part.length)).resume()
    await once(response, 'end')
    expect(length).toBe(400 * 65_536)
  })

  test('server-sent events, part by part, longer than the time an answer may take to begin', async () => {
    let send = (_text: string): void => undefined
    handle = (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      send = (text) => void (text === 'end' ? response.end() : response.write(`data: ${text}\n\n`))
    }
    const { body, headers } = await call('/events')
    let text = ''
    body.setEncoding('utf8').on('data', (part: string) => (text += part))
    const begun = performance.now()
    for (const word of ['one', 'two']) {
      send(word)
      await until(() => text.includes(word), { timeoutMs: 5_000, what: word })
      await until(() => performance.now() - begun > 2_300, { timeoutMs: 5_000, what: 'some silence' })
    }
    send('end')
    await until(() => body.readableEnded, { timeoutMs: 5_000, what: 'the end' })
    expect(headers['content-type']).toBe('text/event-stream')
  })
})

describe('what comes back is what was sent', () => {
  test('status, repeated headers and reason, less what means one connection', async () => {
    handle = (_incoming, response) => void response.writeHead(418, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Thing', 'caf\u00e9', 'Keep-Alive', 'timeout=9', 'Connection', 'x-hop', 'X-Hop', '1']).end('tea')
    const { statusCode, headers, body } = await call('/')
    expect([statusCode, headers['set-cookie'], headers['x-hop'], headers['x-thing'], await body.text()]).toEqual([418, ['a=1', 'b=2'], undefined, 'caf\u00e9', 'tea'])
  })

  test('HEAD has the length and no body; 204 and 304 have none', async () => {
    handle = (incoming, response) => {
      const status = Number(incoming.url?.slice(1))
      response.writeHead(status, status === 200 ? { 'content-length': '5' } : { etag: '"x"' }).end(status === 200 && incoming.method === 'GET' ? 'hello' : undefined)
    }
    const head = await call('/200', { method: 'HEAD' })
    expect([head.statusCode, head.headers['content-length'], await head.body.text()]).toEqual([200, '5', ''])
    for (const status of [204, 304]) {
      const answer = await call(`/${status}`)
      expect([answer.statusCode, answer.headers['transfer-encoding'], answer.headers['content-length'], await answer.body.text()]).toEqual([status, undefined, undefined, ''])
    }
  })

  test('every method goes on as it came, and the path too', async () => {
    handle = (incoming, response) => void response.end(`${incoming.method} ${incoming.url}`)
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'PURGE']) {
      // Not undici, which normalises paths.
      const asked = httpRequest(gateway.proxyUrl, { path: '/a/%2e%2e//b?c=%20&d', method, headers: { authorization } }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      expect(await textOf(answer)).toBe(`${method} /a/%2e%2e//b?c=%20&d`)
    }
  })

  test('the host that the client asked for is passed on', async () => {
    handle = (incoming, response) => void response.end(`${incoming.headers.host} ${incoming.headers['x-forwarded-host']} ${incoming.headers.via}`)
    expect(await (await call('/', { headers: { host: 'app.test' } })).body.text()).toBe('app.test app.test 1.1 curfew')
    const { text } = await raw(`GET http://app.test/x HTTP/1.1\r\nHost: other\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`)
    expect(text).toContain('app.test app.test')
  })
})

describe('Expect: 100-continue', () => {
  const head = (token: string) => `POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: ${token}\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`

  test('is answered once the request is admitted; the upstream sees the body and no Expect', async () => {
    handle = (incoming, response) => void textOf(incoming).then((text) => response.end(`${text} ${incoming.headers.expect}`))
    const { text, socket } = await raw(head(authorization), (so_far) => so_far.includes('100 Continue'))
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    let rest = ''
    socket.on('data', (part: string) => (rest += part))
    socket.write('body')
    await once(socket, 'close')
    expect(rest).toContain('body undefined')
  })

  test('is answered with the refusal, and no body is asked for', async () => {
    const { text, socket } = await raw(head('Bearer nonsense'), (so_far) => so_far.includes('token.malformed'))
    expect(text).toMatch(/^HTTP\/1\.1 401 /)
    expect(text).not.toContain('100 Continue')
    socket.destroy()
  })
})

describe('who goes away', () => {
  test('the client, before the answer began: the upstream\'s work ends', async () => {
    let isCancelled = false
    let hasCome = false
    handle = (incoming) => {
      hasCome = true
      incoming.socket.once('close', () => (isCancelled = true))
    }
    const leaving = new AbortController()
    const answer = call('/', { signal: leaving.signal }).then(() => 'answered', () => 'left')
    await until(() => hasCome, { timeoutMs: 5_000, what: 'the request' })
    leaving.abort()
    expect(await answer).toBe('left')
    await until(() => isCancelled, { timeoutMs: 1_500, what: 'the upstream to be told' })
  })

  test('the client, in the middle of the answer or of its own body', async () => {
    let cancelled = 0
    handle = (incoming, response) => {
      response.on('close', () => (cancelled += 1))
      incoming.on('error', () => undefined).resume()
      response.writeHead(200).write('begun')
    }
    const reading = await call('/')
    reading.body.on('error', () => undefined).destroy()
    await until(() => cancelled === 1, { timeoutMs: 5_000, what: 'the reading upstream to be told' })
    const writing = httpRequest(`${gateway.proxyUrl}/`, { method: 'POST', headers: { authorization } })
    writing.on('error', () => undefined).write('half')
    await once(writing, 'response')
    writing.destroy()
    await until(() => cancelled === 2, { timeoutMs: 5_000, what: 'the written-to upstream to be told' })
  })

  test('the upstream, in the middle of its answer: the client sees it cut, not ended', async () => {
    handle = (_incoming, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half')
      setImmediate(() => response.destroy())
    }
    const { body, statusCode } = await call('/')
    expect(statusCode).toBe(200)
    await expect(body.text()).rejects.toThrow()
  })

  test('the upstream, before it answered: 502', async () => {
    handle = (incoming) => void incoming.socket.destroy()
    expect(await problemOf(await call('/', { method: 'POST', body: 'x' }))).toEqual([502, 'gateway.upstream_down'])
    expect(await problemOf(await call('/'))).toEqual([502, 'gateway.upstream_down'])
  })

  test('the upstream, on a kept connection as it is used again: a GET is asked once more, a POST is not', async () => {
    const methods: string[] = []
    handle = (incoming, response) => {
      methods.push(String(incoming.method))
      if (methods.length === 1) incoming.socket.destroy()
      else response.end('second')
    }
    expect(await (await call('/')).body.text()).toBe('second')
    expect(methods).toEqual(['GET', 'GET'])
    methods.length = 0
    expect((await problemOf(await call('/', { method: 'POST' })))[0]).toBe(502)
    expect(methods).toEqual(['POST'])
  })

  test('the upstream, too slow to begin: 504', async () => {
    handle = () => undefined
    expect(await problemOf(await call('/'))).toEqual([504, 'gateway.upstream_timeout'])
  })
})

describe('an upstream that is no HTTP server', () => {
  let server: Server
  let other: RunningGateway
  let answer: string
  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(answer, 'latin1')))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    other = await readyGateway(plane, { upstreamUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, gatewayId: 'edge-2', drainMs: 100 })
  })
  afterAll(async () => {
    await other.close()
    server.close()
  })

  test.each([['garbage', 'nonsense\r\n\r\n'], ['nothing', ''], ['a header with a control character', 'HTTP/1.1 200 OK\r\nX: a\u0000b\r\n\r\n'], ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab']])('answers %s: 502', async (_what, text) => {
    answer = text
    expect(await problemOf(await request(other.proxyUrl, { dispatcher: agent, headers: { authorization } }))).toEqual([502, 'gateway.upstream_down'])
  })

  test('is not there: 502', async () => {
    const nobody = await readyGateway(plane, { upstreamUrl: `http://127.0.0.1:${await freePort()}`, gatewayId: 'edge-3', drainMs: 100 })
    expect(await problemOf(await request(nobody.proxyUrl, { dispatcher: agent, headers: { authorization } }))).toEqual([502, 'gateway.upstream_down'])
    await nobody.close()
  })
})

describe('what is refused', () => {
  test('without an upstream there is no route', async () => {
    const bare = await readyGateway(plane, { gatewayId: 'edge-4', drainMs: 100 })
    expect(await problemOf(await request(bare.proxyUrl, { dispatcher: agent, headers: { authorization } }))).toEqual([404, 'gateway.no_route'])
    await bare.close()
  })

  const upgrade = (what: string, token = authorization) => raw(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${token}\r\nConnection: Upgrade\r\nUpgrade: ${what}\r\n\r\n`, (text) => text.includes('\r\n\r\n') && text.includes('}'))
  test('a WebSocket is told that they are not taken yet, and who may not come is told that first', async () => {
    const { text, socket } = await upgrade('websocket')
    expect(text).toMatch(/^HTTP\/1\.1 501 [^]*gateway\.upgrade_unsupported/)
    socket.destroy()
    const refused = await upgrade('websocket', 'Bearer nonsense')
    expect(refused.text).toMatch(/^HTTP\/1\.1 401 /)
    refused.socket.destroy()
  })

  test('an offer of h2c is left unanswered, as curl --http2 expects', async () => {
    handle = (incoming, response) => void response.end(`{"upgrade":"${incoming.headers.upgrade}"}`)
    const { text, socket } = await upgrade('h2c')
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*"upgrade":"undefined"/)
    socket.destroy()
  })

  test.each([
    ['headers larger than any token needs', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['no HTTP', 'nonsense\r\n\r\n', 400],
    ['two ways to tell the length of a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a bare line feed in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\nAuthorization: b\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ])('%s is no request', async (_what, bytes, status) => {
    const { text } = await raw(bytes)
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
  })

  test('a target that is no path is told so', async () => {
    const { text, socket } = await raw(`OPTIONS * HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`, (so_far) => so_far.includes('}'))
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*request\.invalid/)
    socket.destroy()
  })

  test('a large body behind a refusal ends the connection instead of being read', async () => {
    const { text } = await raw(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx`)
    expect(text).toMatch(/^HTTP\/1\.1 401 [^]*connection: close/i)
  })

  test('a small one is read away, and the connection serves the next request', async () => {
    handle = (_incoming, response) => void response.end('served')
    const { text } = await raw(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`)
    expect(text).toMatch(/401 [^]*token\.missing[^]*200 OK[^]*served/)
  })
})

test('a body cannot smuggle a request: what the upstream counts is what the gateway counted', async () => {
  const seen: string[] = []
  handle = (incoming, response) => void textOf(incoming).then((text) => {
    seen.push(`${incoming.method} ${incoming.url} ${text.length}`)
    response.end('ok')
  })
  const smuggled = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n'
  await raw(`POST /one HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Length: ${smuggled.length}\r\nConnection: close, content-length\r\n\r\n${smuggled}`)
  expect(seen).toEqual([`POST /one ${smuggled.length}`])
})

test('a defect while judging is a 500 that tells nothing of it, and lets nothing through', async () => {
  const failures: unknown[] = []
  const proxy = createProxy({
    admit: () => Promise.reject(new Error('a defect with a secret')), upstream: undefined, cookieName: 'c', trustForwarded: false, monotonicMs: () => 0,
    onDone: (outcome) => failures.push(outcome), onFailure: (error) => failures.push((error as Error).cause),
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const answer = await request(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`, { dispatcher: agent, headers: { authorization } })
  const text = await answer.body.text()
  expect([answer.statusCode, (JSON.parse(text) as { code: string }).code, text.includes('secret'), failures]).toEqual([500, 'internal', false, [new Error('a defect with a secret'), 'defect']])
  proxy.close()
})

test('a thousand requests at once are all served', async () => {
  handle = (_incoming, response) => void response.end('ok')
  const answers = await Promise.all(Array.from({ length: 1_000 }, async () => (await call('/')).body.text()))
  expect(new Set(answers)).toEqual(new Set(['ok']))
})
