import { stripVTControlCharacters } from 'node:util'

/** The tasks that `nx run-many` lists as failed, such as `bus:lint`. */
export function failedTasks(output: string): string[] {
  const [, list = ''] = plainLines(output).join('\n').split(/^Failed tasks:$/m)
  const [paragraph = ''] = list.trim().split(/\n\s*\n/)
  return paragraph.split('\n').flatMap((line) => /^- (\S+:\S+)$/.exec(line.trim())?.[1] ?? [])
}

const heading = /^> nx run (\S+:\S+)/
const summary = /^ NX {3}/

/** What the failed tasks said, task by task; everything when Nx itself failed. */
export function failureText(output: string): string {
  const failed = new Set(failedTasks(output))
  if (failed.size === 0) return plainLines(output).join('\n').trim()
  let showing = false
  const shown = plainLines(output).filter((line) => {
    const task = heading.exec(line)?.[1]
    if (task !== undefined) showing = failed.has(task)
    else if (summary.test(line)) showing = false
    return showing
  })
  return shown.join('\n').replace(/\n{3,}/g, '\n\n').trim()
}

const plainLines = (output: string): string[] => stripVTControlCharacters(output).replaceAll('\r', '').split('\n')
