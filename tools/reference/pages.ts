import { asyncApiDocument, eventCatalogue, openApiDocument, problems, problemType, routes, topicCatalogue, topics, variables, type ProblemCode } from '@curfew/contracts'

const generated = '<!-- Generated from libs/contracts by `npm run reference`; do not edit. -->\n\n'
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
const code = (text: string): string => `\`${text}\``

/** Every page of docs/reference by its file name. A pure function of the catalogues: the same contracts give the same bytes. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['problems.md', problemsPage()], ['config.md', configPage()], ['topics.md', topicsPage()],
    ['openapi.json', `${JSON.stringify(openApiDocument(routes), null, 2)}\n`], ['asyncapi.json', `${JSON.stringify(asyncApiDocument(), null, 2)}\n`],
  ])
}

function problemsPage(): string {
  const rows = Object.entries(problems).map(([name, { status, title, onConsume }]) => [code(name), String(status), title, onConsume, problemType(name as ProblemCode)])
  return `${generated}# Problems\n\nEvery error is \`application/problem+json\` (RFC 9457) with one of these codes. The last columns say what a consumer does with a record whose
handling ends so, and the \`type\` member.\n\n${table(['code', 'status', 'title', 'on a topic', 'type'], rows)}\n`
}

function configPage(): string {
  const rows = Object.entries(variables).map(([name, { readBy, summary, default: fallback, isSecret }]) =>
    [code(name), `${summary}${isSecret ? ' (secret)' : ''}`, fallback === undefined ? '' : code(fallback), readBy.join(', ')])
  return `${generated}# Configuration\n\nEnvironment variables. An unknown \`CURFEW_*\` name fails the boot; every violation is listed at once.\n\n${table(['variable', 'means', 'default', 'read by'], rows)}\n`
}

function topicsPage(): string {
  const days = (ms: number): string => `${ms / 86_400_000} d`
  const live = new Set<string>(Object.values(topics).map(({ name }) => name))
  const rows = topicCatalogue.map((topic) => [code(topic.name), topic.key, String(topic.partitions), days(topic.retentionMs), `${topic.maxBytes / 1_048_576} MiB`, topic.writtenBy, topic.readBy])
  const events = eventCatalogue.filter(({ topic }) => live.has(topic.name)).map((event) => [code(event.type), code(event.topic.name), String(event.version), event.summary])
  return `${generated}# Topics and events\n\nCloudEvents 1.0 in binary mode: \`ce_id\`, \`ce_source\`, \`ce_type\` and \`ce_specversion\` are required, \`ce_tenant\` is optional (\`default\`). The schemas are
in [asyncapi.json](asyncapi.json). Topics are created by \`npx curfew topics apply\` and compared by \`topics check\`.\n\n${table(['topic', 'key', 'partitions', 'kept', 'largest record', 'written by', 'read by'], rows)}\n\n## Events\n\n${table(['type', 'topic', 'version', 'says'], events)}\n`
}
