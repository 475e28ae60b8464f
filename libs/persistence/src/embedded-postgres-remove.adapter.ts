import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { embeddedPostgresHome } from './embedded-postgres-home.adapter.js'
import { claimHome, endStaleServer } from './embedded-postgres-stale.adapter.js'

/**
 * Deletes the server and everything it kept for a data directory. Refused while its owner lives; a server that outlived its owner is ended
 * first. True when there was something to delete.
 */
export async function removeEmbeddedPostgres(dataDir: string): Promise<boolean> {
  const path = await embeddedPostgresHome(dataDir)
  const cluster = join(path, 'cluster')
  if (!(await stat(path).catch(() => undefined))) return false
  const release = await claimHome({ path, cluster, passwordFile: join(path, 'password'), ownerFile: join(path, 'owner') })
  try {
    await endStaleServer(cluster)
    await rm(path, { recursive: true, force: true })
    return true
  } finally {
    await release()
  }
}
