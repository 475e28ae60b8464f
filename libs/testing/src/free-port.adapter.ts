import { connect, createServer, type AddressInfo } from 'node:net'

/** A loopback port nobody listened on a moment ago. For servers that cannot bind port 0 and tell. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** True when something accepts on the loopback port now. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const answer = (accepted: boolean): void => {
      socket.destroy()
      resolve(accepted)
    }
    socket.setTimeout(1000, () => answer(false))
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}
