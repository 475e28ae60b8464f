import type { FieldError } from '@curfew/contracts'
import type { z } from 'zod'

/** Where the checked value came from: it decides how its members are pointed at. */
export type Source = 'body' | 'query' | 'param'

/** More than a person reads at once; the rest adds bytes, not knowledge. */
const maxErrors = 32
/** Member names are the caller's own and may be as long as the body: one that is longer than any real path is cut. */
const maxPointer = 256

/** What a schema objects to, without quoting any value. */
export function fieldErrors(error: z.ZodError, source: Source): FieldError[] {
  return error.issues.flatMap((issue) => issueErrors(issue, [])).slice(0, maxErrors)
    .map(({ path, message }) => ({ pointer: pointerTo(path, source).slice(0, maxPointer), message }))
}

interface Objection {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function issueErrors(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Objection[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...path, key], message: 'is not known here' }))
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return closest(issue.errors.map((branch) => branch.flatMap((each) => issueErrors(each, path))))
  return [{ path, message: issue.message }]
}

/** The branch of a union that came furthest is most likely the one that was meant. */
function closest(branches: readonly Objection[][]): Objection[] {
  const depth = (branch: readonly Objection[]): number => Math.max(...branch.map(({ path }) => path.length))
  return branches.reduce((best, branch) => (depth(branch) > depth(best) || (depth(branch) === depth(best) && branch.length < best.length) ? branch : best))
}

function pointerTo(path: readonly PropertyKey[], source: Source): string {
  if (source === 'query') return `?${String(path[0] ?? '')}`
  if (source === 'param') return `{${String(path[0] ?? '')}}`
  // RFC 6901 section 3.
  return path.map((member) => `/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
