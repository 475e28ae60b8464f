import { Fault } from '@curfew/contracts'

/** Names and values of a query or of a form body, decoded. A name given more than once holds all its values in a list. */
export type FormFields = Readonly<Record<string, string | string[]>>

/** Reads `application/x-www-form-urlencoded` text. It never throws: what is not UTF-8 becomes U+FFFD, which no name or id of ours holds. */
export function readForm(text: string): FormFields {
  // No prototype: a parameter named `__proto__` or `constructor` is an ordinary, unknown name.
  const fields = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of new URLSearchParams(text)) {
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else if (Array.isArray(before)) before.push(value)
    else fields[name] = [before, value]
  }
  return fields
}

export const repeatedNames = (fields: object): string[] => Object.entries(fields).filter(([, value]) => Array.isArray(value)).map(([name]) => name)

/** RFC 6749 section 3.2: parameters of the token endpoint must not be included more than once. */
export function readOAuthForm(text: string): FormFields {
  const fields = readForm(text)
  const repeated = repeatedNames(fields)
  if (repeated.length > 0) throw new Fault('request.invalid', { detail: 'a parameter is given more than once', errors: repeated.map((name) => ({ pointer: `/${name}`, message: 'is given more than once' })) })
  return fields
}
