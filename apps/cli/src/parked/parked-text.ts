import type { ParkedRecord } from '@curfew/bus'

type Listed = Omit<ParkedRecord, 'value'>

/** One line a record: what an operator needs to choose. Control characters a stranger sent do not reach the terminal. */
export function listText(items: readonly Listed[]): string {
  if (items.length === 0) return 'nothing is parked\n'
  return items.map(({ id, at, reason, detail, attempts, by, replayedAt }) =>
    printable(`${id}  ${at}  ${reason}  ${by}, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${replayedAt === undefined ? '' : `, replayed ${replayedAt}`}  ${detail}`)).join('\n') + '\n'
}

export function recordText(parked: ParkedRecord): string {
  const { source, headers, key, value, bytes } = parked
  const lines = [
    listText([parked]).trimEnd(), `source: ${source.topic}/${source.partition}/${source.offset}`, `key: ${key ?? '(none)'}`,
    ...Object.entries(headers).map(([name, text]) => `${name}: ${text}`), '', valueText(value, bytes),
  ]
  return `${lines.map((line) => line.split('\n').map(printable).join('\n')).join('\n')}\n`
}

/** The record as one JSON value. A value that is not text comes as base64. */
export function recordJson({ value, offset, ...rest }: ParkedRecord): object {
  const text = textOf(value)
  return { ...rest, offset: String(offset), ...(value === null ? { value: null } : text === undefined ? { valueBase64: value.toString('base64') } : { value: text }) }
}

export const listedJson = ({ offset, ...rest }: Listed): object => ({ ...rest, offset: String(offset) })

function valueText(value: Buffer | null, bytes: number): string {
  if (value === null) return bytes > 0 ? `(${bytes} bytes, too large to be kept: read them at the source)` : '(no value)'
  return textOf(value) ?? `(${bytes} bytes that are not text; --json prints them as base64)`
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
function textOf(value: Buffer | null): string | undefined {
  try {
    return value === null ? undefined : utf8.decode(value)
  } catch {
    return undefined
  }
}

const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
