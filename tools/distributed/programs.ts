/** One process of the distributed profile. */
export interface Program {
  readonly name: string
  /** Relative to the root. */
  readonly script: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where it answers whoever uses it. */
  readonly url: string
  /** Answers 200 once it does its work. */
  readonly readyUrl: string
}

export interface Surroundings {
  readonly kafka: string
  readonly database: string
  readonly redis: string
  readonly clientId: string
  readonly clientSecret: string
}

const host = '127.0.0.1'
const servicePorts = { session: 8710, revocation: 8720, lifecycle: 8730, audit: 8740 }
const upstreamPort = 8799
/** The second gateway takes the ports that API.md names for one more on the same host. */
const gatewayPorts = [{ port: 8701, adminPort: 8702 }, { port: 8801, adminPort: 8802 }]

/** The four services with what they need; every default that holds on one host is left to them. */
export function servicesIn({ kafka, database, redis, clientId, clientSecret }: Surroundings): Program[] {
  const env = { CURFEW_KAFKA_BROKERS: kafka, CURFEW_DATABASE_URL: database, CURFEW_REDIS_URL: redis, CURFEW_BOOTSTRAP_CLIENT_ID: clientId, CURFEW_BOOTSTRAP_CLIENT_SECRET: clientSecret }
  return Object.entries(servicePorts).map(([name, port]) => {
    const url = `http://${host}:${port}`
    return { name, script: `apps/${name}/dist/main.js`, args: [], env: { ...env, CURFEW_HTTP_PORT: String(port) }, url, readyUrl: `${url}/readyz` }
  })
}

/** Two gateways and the demo upstream behind both. A gateway gets no database: it must not need one. */
export function edgeIn({ kafka, clientId, clientSecret }: Surroundings): Program[] {
  const upstream = `http://${host}:${upstreamPort}`
  const gateways = gatewayPorts.map(({ port, adminPort }, index) => ({
    name: `gateway-${index + 1}`, script: 'apps/gateway/dist/main.js', args: [],
    env: {
      CURFEW_KAFKA_BROKERS: kafka, CURFEW_BOOTSTRAP_CLIENT_ID: clientId, CURFEW_BOOTSTRAP_CLIENT_SECRET: clientSecret, CURFEW_UPSTREAM_URL: upstream,
      CURFEW_GATEWAY_ID: `gateway-${index + 1}`, CURFEW_GATEWAY_PORT: String(port), CURFEW_GATEWAY_ADMIN_PORT: String(adminPort),
    },
    url: `http://${host}:${port}`, readyUrl: `http://${host}:${adminPort}/readyz`,
  }))
  return [{ name: 'upstream', script: 'apps/gateway/dist/demo-upstream.main.js', args: [String(upstreamPort), host], env: {}, url: upstream, readyUrl: upstream }, ...gateways]
}

/** What a person needs to try it: every address, the first administrator, and a first command. */
export function announcement(surroundings: Surroundings, programs: readonly Program[]): string {
  const { kafka, database, redis, clientId, clientSecret } = surroundings
  const rows = [...programs.map(({ name, url }) => [name, url]), ['Kafka', kafka], ['PostgreSQL', database], ['Redis', redis], ['client id', clientId], ['client secret', clientSecret]]
  return [
    'Curfew is up: four services, two gateways, each its own process.', '',
    ...rows.map(([name = '', value = '']) => `  ${name.padEnd(14)}${value}`), '',
    'An access token of the administrator:',
    `  curl -s -u '${clientId}:${clientSecret}' -d grant_type=client_credentials http://${host}:${servicePorts.session}/oauth2/token`, '',
    'Ctrl-C stops everything.',
  ].join('\n')
}

/** Each line with the name of who said it; a line that is not finished yet waits in `rest`. */
export function prefixed(name: string, rest: string, chunk: string): { lines: string[]; rest: string } {
  const parts = (rest + chunk).split('\n')
  return { rest: parts.pop() as string, lines: parts.map((line) => `${name.padEnd(11)}| ${line}`) }
}
