import { request, type Dispatcher } from 'undici'
import { CommandFailure } from './usage.js'

export interface Answer {
  readonly status: number
  /** The JSON body; undefined when there is none. */
  readonly body: unknown
}

export interface Call {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How long the answer may take beyond what any call takes. */
  readonly waitMs?: number
}

/** A call on a healthy system takes milliseconds; one that has no answer by then will have none. */
const patienceMs = 10_000
/** No answer of ours is larger by far; a stranger's must not fill the memory. */
const maxBytes = 8 * 1_048_576

/** Calls the control plane. Whatever keeps it from answering in its own words becomes a failure that says what to do. */
export async function call({ method, url, headers, body, waitMs = 0 }: Call): Promise<Answer> {
  const timeout = patienceMs + waitMs
  let answer: Dispatcher.ResponseData
  let text: string
  try {
    answer = await request(url, { method, body, headers: { accept: 'application/json', ...headers }, headersTimeout: timeout, bodyTimeout: timeout, signal: AbortSignal.timeout(timeout) })
    text = await bounded(answer)
  } catch (cause) {
    throw new CommandFailure(`${url} cannot be reached (${reasonOf(cause)}): is Curfew running there? CURFEW_URL says where to call`, { cause })
  }
  return { status: answer.statusCode, body: parsed(text) }
}

async function bounded({ body }: Dispatcher.ResponseData): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxBytes) throw new Error('the answer is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException
  return name === 'TimeoutError' ? 'no answer in time' : code ?? message
}
