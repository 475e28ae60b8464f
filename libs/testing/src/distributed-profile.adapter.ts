import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { plainEnvironment } from './config.js'
import { freePort } from './free-port.adapter.js'
import { startProcess, type TestProcess } from './start-process.adapter.js'
import { until } from './until.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))

export const serviceNames = ['session', 'revocation', 'lifecycle', 'audit'] as const
export type ServiceName = (typeof serviceNames)[number]

export interface DistributedProfileOptions {
  readonly kafka: string
  readonly database: string
  readonly redis?: string
  /** How many gateways; two unless given. */
  readonly gateways?: number
  /** Where admitted requests go. */
  readonly upstream: string
  /** Added to every process. */
  readonly env?: Readonly<Record<string, string>>
}

/** One of our programs as a process that can be killed and brought back at the same address. */
export interface Program {
  readonly name: string
  /** Where it answers: a service's HTTP, or a gateway's reverse proxy. */
  readonly url: string
  /** Where it tells its health. */
  readonly healthUrl: string
  process(): TestProcess
  /** SIGKILL, and gone when this resolves. */
  kill(): Promise<void>
  start(): Promise<void>
  ready(): Promise<void>
  /** Ends it in order, if it was ever started. */
  close(): Promise<void>
}

export interface DistributedProfile {
  readonly services: Readonly<Record<ServiceName, Program>>
  readonly gateways: readonly Program[]
  readonly credentials: { readonly clientId: string; readonly clientSecret: string }
  /** The environment every program got; for one more instance, or for the CLI. */
  readonly env: Readonly<Record<string, string>>
  /** One more process of a service beside the first, on a port of its own. */
  addInstance(name: ServiceName): Promise<Program>
  close(): Promise<void>
}

/** Services and gateways with Kafka, PostgreSQL and Redis that the caller provides, each its own process from `dist`. All are ready when it resolves. */
export async function startDistributedProfile(options: DistributedProfileOptions): Promise<DistributedProfile> {
  const credentials = { clientId: 'root-admin', clientSecret: 'a-secret-of-this-test-run-only' }
  const ports = await freePorts(serviceNames.length)
  const portOf = (name: ServiceName): number => ports[serviceNames.indexOf(name)] as number
  const env: Record<string, string> = {
    CURFEW_DATABASE_URL: options.database, CURFEW_KAFKA_BROKERS: options.kafka, ...(options.redis === undefined ? {} : { CURFEW_REDIS_URL: options.redis }),
    CURFEW_BOOTSTRAP_CLIENT_ID: credentials.clientId, CURFEW_BOOTSTRAP_CLIENT_SECRET: credentials.clientSecret,
    CURFEW_SESSION_URL: `http://127.0.0.1:${portOf('session')}`, CURFEW_REVOCATION_URL: `http://127.0.0.1:${portOf('revocation')}`, ...options.env,
  }
  await run(process.execPath, [join(root, 'apps/cli/bin/curfew.mjs'), 'topics', 'apply'], { env: { ...plainEnvironment(), CURFEW_KAFKA_BROKERS: options.kafka }, timeout: 60_000 })
  const started: Program[] = []
  const add = async (program: Program): Promise<Program> => {
    started.push(program)
    await program.start()
    return program
  }
  const close = (): Promise<void> => Promise.allSettled(started.map((program) => program.close())).then(() => undefined)
  try {
    const [session, revocation, lifecycle, audit] = (await Promise.all(serviceNames.map((name) => add(serviceProgram(name, portOf(name), env))))) as [Program, Program, Program, Program]
    const gateways = await Promise.all(Array.from({ length: options.gateways ?? 2 }, async (_, index) => {
      const [port, adminPort] = (await freePorts(2)) as [number, number]
      return add(gatewayProgram(index, port, adminPort, { ...env, CURFEW_UPSTREAM_URL: options.upstream }))
    }))
    await Promise.all(started.map((program) => program.ready()))
    const addInstance = async (name: ServiceName): Promise<Program> => add(serviceProgram(name, await freePort(), env))
    return { services: { session, revocation, lifecycle, audit }, gateways, credentials, env, addInstance, close }
  } catch (error) {
    const words = started.map((program) => `--- ${program.name}\n${outputOf(program).slice(-1500)}`).join('\n')
    await close()
    throw new Error(`the distributed profile did not get ready: ${(error as Error).message}\n${words}`, { cause: error })
  }
}

const serviceProgram = (name: ServiceName, port: number, env: Readonly<Record<string, string>>): Program =>
  program({ name, url: `http://127.0.0.1:${port}`, healthUrl: `http://127.0.0.1:${port}`, env: { ...env, CURFEW_HTTP_PORT: String(port) } })

// A gateway reads less than a service: what it does not read must not be needed by it.
const gatewayProgram = (index: number, port: number, adminPort: number, env: Readonly<Record<string, string>>): Program =>
  program({
    name: 'gateway', url: `http://127.0.0.1:${port}`, healthUrl: `http://127.0.0.1:${adminPort}`,
    env: { ...env, CURFEW_GATEWAY_ID: `gateway-${index + 1}`, CURFEW_GATEWAY_PORT: String(port), CURFEW_GATEWAY_ADMIN_PORT: String(adminPort) },
  })

interface ProgramOptions {
  readonly name: string
  readonly url: string
  readonly healthUrl: string
  readonly env: Readonly<Record<string, string>>
}

function program({ name, url, healthUrl, env }: ProgramOptions): Program {
  let current: TestProcess | undefined
  const running = (): TestProcess => {
    if (!current) throw new Error(`${name} was never started`)
    return current
  }
  return {
    name, url, healthUrl, process: running,
    start: async () => {
      current = await startProcess({
        name, args: [join(root, 'apps', name, 'dist/main.js')], env,
        readyWhen: () => answers(`${healthUrl}/livez`), readyWithinMs: 60_000,
      })
    },
    ready: () => until(() => answers(`${healthUrl}/readyz`), { timeoutMs: 60_000, what: `${name} at ${healthUrl} to be ready` }).then(() => undefined),
    kill: async () => {
      running().kill('SIGKILL')
      await running().exit
    },
    close: async () => current?.close(),
  }
}

function outputOf(one: Program): string {
  try {
    return one.process().output()
  } catch {
    return 'it did not start'
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(async (answer) => {
    await answer.arrayBuffer()
    return answer.ok
  }, () => false)

/** Different from each other: a port is free until somebody listens, so asking one by one can answer one twice. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}
