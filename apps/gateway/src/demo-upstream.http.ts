import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface DemoUpstream {
  readonly url: string
  close(): Promise<void>
}

/** What of a body is echoed as text; the rest is only counted. */
const maxEchoBytes = 65_536

/** A small server to put behind a gateway: it answers every request with what it received, less the credentials (I12). */
export async function startDemoUpstream({ port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {}): Promise<DemoUpstream> {
  const server = createServer((request, response) => {
    echo(request).then((body) => void response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(`${JSON.stringify(body, null, 2)}\n`), () => response.destroy())
  })
  server.listen(port, host)
  await once(server, 'listening')
  return { url: `http://${host}:${(server.address() as AddressInfo).port}`, close: () => close(server) }
}

async function echo(request: IncomingMessage): Promise<object> {
  const parts: Buffer[] = []
  let bodyBytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    if (bodyBytes < maxEchoBytes) parts.push(part.subarray(0, maxEchoBytes - bodyBytes))
    bodyBytes += part.length
  }
  return { method: request.method, path: request.url, headers: withoutCredentials(request.headers), bodyBytes, body: Buffer.concat(parts).toString('utf8') }
}

const hidden = new Set(['authorization', 'proxy-authorization', 'cookie'])

const withoutCredentials = (headers: IncomingMessage['headers']): Record<string, unknown> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, hidden.has(name) ? '[not shown]' : value]))

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
