import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { plainEnvironment } from './config.js'
import { accepts, freePort } from './free-port.adapter.js'
import { kafkaClasspath, waysToKafka } from './kafka-install.adapter.js'
import { startServer, type ServerProcess } from './server-process.adapter.js'

const run = promisify(execFile)

export interface KafkaPlace {
  readonly directory: string
  readonly port: number
  readonly controllerPort: number
}

export async function kafkaPlace(directory: string): Promise<KafkaPlace> {
  return { directory, port: await freePort(), controllerPort: await freePort() }
}

/** One broker in KRaft mode. Started again at the same place it keeps its port and every record. */
export async function startKafka(place: KafkaPlace, name = 'kafka'): Promise<ServerProcess> {
  await needJava()
  const classpath = await kafkaClasspath()
  const properties = join(place.directory, 'server.properties')
  if (!existsSync(properties)) await format(place, properties, classpath)
  return startServer({
    name, logFile: join(place.directory, 'kafka.log'),
    command: 'java', args: [...javaFlags, '-cp', classpath, 'kafka.Kafka', properties],
    // 3 s seen on two idle cores; ten times that when a whole test run shares them.
    ready: () => accepts(place.port), readyWithinMs: 45_000,
  })
}

/** 512 MB lets three brokers share a small machine; C1 alone compiles faster, and no test lasts long enough to miss C2. */
const javaFlags = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

async function format(place: KafkaPlace, properties: string, classpath: string): Promise<void> {
  const draft = `${properties}.draft`
  await mkdir(place.directory, { recursive: true })
  await writeFile(draft, propertiesOf(place))
  const tool = (...args: string[]) => run('java', [...javaFlags, '-cp', classpath, 'kafka.tools.StorageTool', ...args], { env: plainEnvironment(), timeout: 60_000 })
  const { stdout } = await tool('random-uuid')
  await tool('format', '-t', stdout.trim().split('\n').at(-1) ?? '', '-c', draft)
  await writeFile(properties, propertiesOf(place))
}

function propertiesOf({ directory, port, controllerPort }: KafkaPlace): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(directory, 'log')}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=3
log.retention.check.interval.ms=2000
log.initial.task.delay.ms=1000
controlled.shutdown.enable=false
`
}

async function needJava(): Promise<void> {
  await run('java', ['-version']).catch((cause: unknown) => {
    throw new Error(`Kafka needs Java 17 or later, and there is no java on the PATH; ${waysToKafka}`, { cause })
  })
}
