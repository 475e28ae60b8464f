export { derivedSecrets, type DerivedSecrets } from './derived-secrets.js'
export { CallerVerdicts, type Compose, type Platform, type ServiceDefinition } from './service.js'
export { SharedMemory } from './shared-memory.js'
