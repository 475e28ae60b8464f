import type { ISocketFactory } from 'kafkajs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Longer than any request may take, waiting in a rebalance included: what is silent for longer is not there. */
const idleMs = 60_000
const keepAliveMs = 5_000

/** The sockets of one consumer, so that a dead one can be given up, and none outlives the consumer. */
export class KafkaSockets {
  private readonly open = new Map<Socket, string>()
  private isOver = false

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    // kafkajs may go on connecting after it was told to stop.
    if (this.isOver) throw new Error('this consumer has ended')
    const socket = ssl ? connectTls({ host, port, servername: host, ...ssl }, onConnect) : connect({ host, port }, onConnect)
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs).setTimeout(idleMs)
    // kafkajs writes to a socket that still connects, and each write waits by a listener.
    socket.setMaxListeners(100)
    this.open.set(socket, `${host}:${port}`)
    socket.once('close', () => this.open.delete(socket))
    return socket
  }

  /** kafkajs keeps a connection whose request timed out and repeats the request on it; every other client closes it. */
  giveUp(broker: string): void {
    for (const [socket, address] of this.open) if (address === broker) socket.destroy(new Error('a request had no answer in time'))
  }

  end(): void {
    this.isOver = true
    for (const socket of this.open.keys()) socket.destroy()
  }
}
