import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory, plainEnvironment } from './config.js'

const run = promisify(execFile)
/** The broker that the project promises to work with; one number for tests, benchmarks and documents. */
export const kafkaVersion = '4.3.1'

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>curfew</groupId><artifactId>broker-for-tests</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>${kafkaVersion}</version></dependency>
</dependencies></project>
`

export const waysToKafka = 'set CURFEW_TEST_KAFKA to a broker, or start a Docker engine with compose, or install Java 17 and Maven'

/** The class path of a Kafka broker, fetched once per machine. A half-finished download is never used. */
export async function kafkaClasspath(): Promise<string> {
  const home = join(cacheDirectory(), `kafka-${kafkaVersion}`)
  if (!existsSync(home)) await fetchInto(home)
  return join(home, '*')
}

async function fetchInto(home: string): Promise<void> {
  await mkdir(cacheDirectory(), { recursive: true })
  const workshop = await mkdtemp(`${home}-fetching-`)
  try {
    await writeFile(join(workshop, 'pom.xml'), pom)
    // Five minutes: 44 MB over a slow line. A stuck download must end with a sentence, not hold the run for ever.
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(workshop, 'jars')}`],
      { cwd: workshop, timeout: 300_000, env: plainEnvironment() })
    await rename(join(workshop, 'jars'), home)
  } catch (cause) {
    // Another run may have finished first: its jars are as good as ours.
    if (!existsSync(home)) throw new Error(`Kafka ${kafkaVersion} could not be fetched through Maven; ${waysToKafka}`, { cause })
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
}
