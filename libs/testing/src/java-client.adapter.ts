import { execFile } from 'node:child_process'
import { plainEnvironment } from './config.js'
import { kafkaClasspath } from './kafka-install.adapter.js'

/**
 * Runs a single-file Java program against Apache Kafka's own client library and resolves with what it printed. The counterpart
 * that nobody here wrote: what it sends is what identity teams send.
 */
export async function runWithKafkaClient(source: string, args: readonly string[], input: string): Promise<string> {
  const classpath = await kafkaClasspath()
  return new Promise((resolve, reject) => {
    // A minute: the compiler and a virtual machine start beside a busy test run.
    const child = execFile('java', ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', classpath, source, ...args], { env: plainEnvironment(), timeout: 60_000 },
      (error, stdout, stderr) => (error ? reject(new Error(`${source} failed\n${stderr.slice(-2000)}`, { cause: error })) : resolve(stdout)))
    child.stdin?.on('error', () => undefined).end(input)
  })
}
