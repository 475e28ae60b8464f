import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface EchoUpstream {
  readonly url: string
  /** How many requests came through. */
  served(): number
  close(): Promise<void>
}

/** An upstream that knows nothing of Curfew: it answers 200 with what it received. */
export function startEchoUpstream(): Promise<EchoUpstream> {
  let served = 0
  const server = createServer((request, response) => {
    served += 1
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ method: request.method, path: request.url, headers: request.headers }))
    })
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, served: () => served,
      close: () => new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
    }))
  })
}
