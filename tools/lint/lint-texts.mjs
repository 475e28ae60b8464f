// Lints texts as if they were files of the workspace: `[{ path, text }]` on stdin, `[[ruleId, ...], ...]` on stdout. For the spec beside it.
import { text } from 'node:stream/consumers'
import { ESLint } from 'eslint'
import { workspaceRoot } from '../pinned-node.mjs'

const eslint = new ESLint({ cwd: workspaceRoot })
const cases = JSON.parse(await text(process.stdin))
const found = []
for (const { path, text } of cases) {
  const results = await eslint.lintText(text, { filePath: path })
  found.push(results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => ruleId ?? message)))
}
console.log(JSON.stringify(found))
