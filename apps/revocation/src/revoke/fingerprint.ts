import { canonicalJson } from '@curfew/kernel'
import { createHash } from 'node:crypto'

/** Equal for two requests exactly when they ask for the same, in whatever order their members were written. */
export const fingerprintOf = (request: unknown): string => createHash('sha256').update(canonicalJson(request)).digest('base64url')
