export { isSigned, signRecord, type SignedParts } from './signature.js'
export { driftPpm, primaryNowAtMost, stalenessMs, type ClockSample } from './staleness.js'
export { Watermarks } from './watermarks.js'
