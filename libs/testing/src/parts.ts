// What starts and stops the parts of a whole run. Specs use the index; the runner uses this.
export { environmentFrom, type PartAddresses } from './config.js'
export { announceKept, forgetKept, keptParts, type KeptParts } from './kept-parts.adapter.js'
export { endProcess } from './live-process.adapter.js'
export { provideParts, type Parts } from './parts.adapter.js'
export { endOrphans, thisProcess } from './pid-files.adapter.js'
