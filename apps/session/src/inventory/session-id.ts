import type { Instant } from '@curfew/kernel'
import { v7 } from 'uuid'

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether the text can name a session: the one spelling of a UUIDv7 that ids are given out in. */
export const isSessionId = (text: string): boolean => pattern.test(text)

/** A UUIDv7 (RFC 9562) of the primary's instant, so that ids sort by the time their sessions were issued. `random` is 16 bytes. */
export const sessionIdAt = (now: Instant, random: Uint8Array): string => v7({ msecs: now, random })
