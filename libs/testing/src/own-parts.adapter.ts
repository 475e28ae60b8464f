import { recordedPostgres, remove, temporaryPlace } from './native-parts.adapter.js'
import { kafkaPlace, startKafka } from './kafka-server.adapter.js'
import { isAlive, liveProcess, signal, type LiveProcess } from './live-process.adapter.js'
import { until } from './until.js'

/** A server for one fault test: it may be hung, killed and brought back at the same address with the same data. */
export interface OwnPart {
  /** It keeps its connections open and answers nothing. */
  pause(): void
  resume(): void
  /** Gone without a goodbye when this resolves. */
  kill(): Promise<void>
  /** Ends it in order; `start` brings it back. */
  shutDown(): Promise<void>
  start(): Promise<void>
  /** Ends it for good and removes its data. */
  close(): Promise<void>
}

export interface OwnKafka extends OwnPart {
  readonly brokers: string[]
}

export interface OwnPostgres extends OwnPart {
  readonly url: string
}

/** A broker beside the shared one. */
export async function ownKafka(): Promise<OwnKafka> {
  const directory = temporaryPlace()
  const place = await kafkaPlace(directory)
  const part = await breakable(directory, async () => {
    const server = await startKafka(place, 'own-kafka')
    return { process: server.process, stop: () => server.stop() }
  })
  return { ...part, brokers: [`127.0.0.1:${place.port}`] }
}

/** A PostgreSQL beside the shared one. */
export async function ownPostgres(): Promise<OwnPostgres> {
  const directory = temporaryPlace()
  let url = ''
  let port: number | undefined
  const part = await breakable(directory, async () => {
    const server = await recordedPostgres(directory, port)
    ;({ url, port } = server)
    return { process: liveProcess(server.pid) as LiveProcess, stop: () => server.stop() }
  })
  return { ...part, url }
}

interface Running {
  readonly process: LiveProcess
  stop(): Promise<void>
}

async function breakable(directory: string, launch: () => Promise<Running>): Promise<OwnPart> {
  let running: Running | undefined = await launch().catch((error: unknown) => {
    remove(directory)
    throw error
  })
  const tell = (name: NodeJS.Signals): boolean => running !== undefined && signal(running.process, name)
  const shutDown = async (): Promise<void> => {
    tell('SIGCONT')
    const ending = running
    running = undefined
    await ending?.stop()
  }
  return {
    pause: () => void tell('SIGSTOP'),
    resume: () => void tell('SIGCONT'),
    kill: async () => {
      const { process } = running as Running
      tell('SIGKILL')
      await until(() => !isAlive(process), { timeoutMs: 10_000, what: `process ${process.pid} to be gone` })
      // Stopping what is gone only clears its records.
      await shutDown()
    },
    shutDown,
    start: async () => void (running ??= await launch()),
    close: () => shutDown().finally(() => remove(directory)),
  }
}
