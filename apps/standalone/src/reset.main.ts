import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { removeEmbeddedPostgres } from '@curfew/persistence'
import { readConfig } from './config.js'

// Only what the embedded profile itself keeps is deleted: a data directory may be somebody's home by mistake.
const ours = ['credentials.json', 'root-secret', 'postgres']

try {
  const { dataDir } = readConfig()
  const removed = await removeEmbeddedPostgres(join(dataDir, 'postgres'))
  const found = await Promise.all(ours.map((name) => stat(join(dataDir, name)).then(() => true, () => false)))
  for (const name of ours) await rm(join(dataDir, name), { recursive: true, force: true })
  console.log(removed || found.includes(true) ? `wiped ${dataDir}; the next start begins anew` : `there was nothing to wipe in ${dataDir}`)
} catch (error) {
  console.error(`nothing was wiped: ${(error as Error).message}`)
  process.exitCode = 1
}
