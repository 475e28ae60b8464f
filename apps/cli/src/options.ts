import { parseArgs, type ParseArgsConfig } from 'node:util'
import { UsageError } from './usage.js'

type Options = NonNullable<ParseArgsConfig['options']>
type Read<T extends Options> = ReturnType<typeof parseArgs<{ options: T & typeof common; allowPositionals: true; strict: true }>>

const common = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** Reads the arguments of one command. An option it does not have, or has without its value, is a usage error. */
export function readOptions<const T extends Options>(args: readonly string[], options: T): Read<T> {
  try {
    return parseArgs({ args: [...args], options: { ...options, ...common }, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's own words name the option and say what is wrong; its hint about "--" helps nobody here.
    throw new UsageError(String((error as Error).message).split(/\. To specify|\. Did you/)[0], { cause: error })
  }
}

export function wholeNumber(text: string | undefined, name: string, min: number, max: number): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new UsageError(`${name} is a whole number from ${min} to ${max}`)
  return value
}

export function oneOf<const T extends string>(text: string | undefined, name: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === text)
  if (found === undefined) throw new UsageError(`${name} is one of ${allowed.join(', ')}${text === undefined ? '' : `, not ${JSON.stringify(text)}`}`)
  return found
}
