import { topicCatalogue } from '@curfew/contracts'
import { readCommandLine, type Command } from './command-line.js'
import type { CliConfig } from './config.js'
import { onKafka } from './kafka.adapter.js'
import { list, replay, show } from './parked/parked.handler.js'
import { listedJson, listText, recordJson, recordText } from './parked/parked-text.js'
import { requestRevocation } from './revoke/revoke.handler.js'
import { isReached, outcomeText } from './revoke/revoke-outcome.js'
import { fetchToken } from './token/token.handler.js'
import { commandNames, UsageError, usageOf } from './usage.js'

/** What a run of the command line touches besides the network. */
export interface Surroundings {
  config(): CliConfig
  out(text: string): void
  err(text: string): void
  /** For specs that share a broker. */
  readonly topicPrefix?: string
}

export type ExitCode = 0 | 1 | 2

/** Runs one command line. It never throws: whatever went wrong is said in one sentence, and told by the exit code. */
export async function run(args: readonly string[], around: Surroundings): Promise<ExitCode> {
  try {
    return await carryOut(readCommandLine(args), around)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    around.err(`curfew: ${message}\n`)
    if (!(error instanceof UsageError)) return 1
    const known = commandNames.find((each) => each === args[0])
    around.err(`\n${usageOf(known)}`)
    return 2
  }
}

async function carryOut(command: Command, around: Surroundings): Promise<ExitCode> {
  const say = (json: object, text: string): void => around.out('json' in command && command.json ? `${JSON.stringify(json, null, 2)}\n` : text)
  switch (command.name) {
    case 'help':
      around.out(usageOf(command.of))
      return 0
    case 'token': {
      const { access_token: accessToken, expires_in: expiresIn, scope } = await fetchToken(around.config(), command.scope)
      say({ accessToken, expiresIn, scope }, `${accessToken}\n`)
      return 0
    }
    case 'revoke': {
      const revocation = await requestRevocation(around.config(), command)
      say(revocation, `${outcomeText(revocation, command.wait)}\n`)
      return isReached(revocation, command.wait) ? 0 : 1
    }
    case 'topics': return topics(command.verb, around, say)
    case 'parked': return parked(command, around, say)
  }
}

type Say = (json: object, text: string) => void

async function topics(verb: 'apply' | 'check', around: Surroundings, say: Say): Promise<ExitCode> {
  return onKafka<ExitCode>(around.config(), async (bus) => {
    if (verb === 'apply') {
      const done = await bus.topics.apply(topicCatalogue)
      say({ done }, done.length === 0 ? 'every topic is as the catalogue declares it\n' : `${done.join('\n')}\n`)
      return 0
    }
    const differences = await bus.topics.check(topicCatalogue)
    const lines = differences.map(({ topic, what }) => `${topic} ${what}`)
    say({ differences }, lines.length === 0 ? 'every topic is as the catalogue declares it\n' : `${lines.join('\n')}\n"curfew topics apply" creates and raises; it lowers and deletes nothing\n`)
    return differences.length === 0 ? 0 : 1
  }, around.topicPrefix)
}

async function parked(command: Extract<Command, { name: 'parked' }>, around: Surroundings, say: Say): Promise<ExitCode> {
  return onKafka<ExitCode>(around.config(), async (bus) => {
    if (command.verb === 'list') {
      const items = await list(bus, command.topic, command.limit)
      say({ items: items.map(listedJson) }, listText(items))
    } else if (command.verb === 'show') {
      const record = await show(bus, command.id)
      say(recordJson(record), recordText(record))
    } else {
      const replayed = await replay(bus, command.ids)
      say({ replayed }, replayed.map(({ id, to }) => `${id} is published again at ${to}\n`).join(''))
    }
    return 0
  }, around.topicPrefix)
}
