import { parkedTopicOf, topicCatalogue } from '@curfew/contracts'
import { oneOf, readOptions, wholeNumber } from './options.js'
import { readRevoke, type RevokeCommand } from './revoke/revoke-request.js'
import { commandNames, UsageError, type CommandName } from './usage.js'

export type Command =
  | { readonly name: 'help'; readonly of: CommandName | undefined }
  | { readonly name: 'token'; readonly scope: string | undefined; readonly json: boolean }
  | { readonly name: 'topics'; readonly verb: 'apply' | 'check'; readonly json: boolean }
  | { readonly name: 'parked'; readonly verb: 'list'; readonly topic: string | undefined; readonly limit: number; readonly json: boolean }
  | { readonly name: 'parked'; readonly verb: 'show'; readonly id: string; readonly json: boolean }
  | { readonly name: 'parked'; readonly verb: 'replay'; readonly ids: readonly string[]; readonly json: boolean }
  | RevokeCommand

/** Reads a command line. It does nothing else: no file, no environment, no network. */
export function readCommandLine(args: readonly string[]): Command {
  const [first, ...rest] = args
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return { name: 'help', of: commandNames.find((each) => each === rest[0]) }
  const name = commandNames.find((each) => each === first)
  if (name === undefined) throw new UsageError(`there is no command ${JSON.stringify(first)}`)
  if (rest.includes('--help') || rest.includes('-h')) return { name: 'help', of: name }
  return readers[name](rest)
}

const readers: Readonly<Record<CommandName, (args: readonly string[]) => Command>> = { token: readToken, revoke: readRevoke, topics: readTopics, parked: readParked }

function readToken(args: readonly string[]): Command {
  const { values, positionals } = readOptions(args, { scope: { type: 'string' } })
  if (positionals.length > 0) throw new UsageError('token takes no names')
  return { name: 'token', scope: values.scope, json: values.json ?? false }
}

function readTopics(args: readonly string[]): Command {
  const { values, positionals: [verb, ...more] } = readOptions(args, {})
  if (more.length > 0) throw new UsageError('every topic of the catalogue is meant: topics takes no names')
  return { name: 'topics', verb: oneOf(verb, 'what to do with the topics', ['apply', 'check']), json: values.json ?? false }
}

function readParked(args: readonly string[]): Command {
  const { values, positionals: [verbText, ...names] } = readOptions(args, { limit: { type: 'string' } })
  const verb = oneOf(verbText, 'what to do with parked records', ['list', 'show', 'replay'])
  const json = values.json ?? false
  if (values.limit !== undefined && verb !== 'list') throw new UsageError('--limit goes with list')
  if (verb === 'list') {
    if (names.length > 1) throw new UsageError('list takes one topic, or none for all')
    return { name: 'parked', verb, topic: names[0] === undefined ? undefined : parkedTopic(names[0]), limit: wholeNumber(values.limit, '--limit', 1, 10_000) ?? 500, json }
  }
  const [id, ...others] = names
  if (id === undefined) throw new UsageError(`which record? curfew parked ${verb} <id>, as "curfew parked list" prints it`)
  if (verb === 'replay') return { name: 'parked', verb, ids: names, json }
  if (others.length > 0) throw new UsageError('one record is shown at a time')
  return { name: 'parked', verb, id, json }
}

/** A topic may be named by itself or by the one its failures are kept in. */
function parkedTopic(name: string): string {
  const known = topicCatalogue.map((spec) => spec.name)
  const wanted = /\.parked\.v\d+$/.test(name) ? name : parkedTopicOf(name)
  if (!known.includes(wanted)) throw new UsageError(`there is no topic ${JSON.stringify(name)}; there are ${known.filter((each) => !each.includes('.parked.')).join(', ')}`)
  return wanted
}
