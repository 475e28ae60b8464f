import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '@curfew/kernel'
import { z } from 'zod'

export interface Credentials {
  readonly clientId: string
  readonly clientSecret: Secret
}

export const credentialsFile = (dataDir: string): string => join(dataDir, 'credentials.json')

const onDisk = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(16) })

/** The first administrator's credentials: made once, kept over restarts, readable by this user alone. */
export async function keptCredentials(dataDir: string): Promise<Credentials> {
  const file = credentialsFile(dataDir)
  await createOnce(file, () => `${JSON.stringify({ clientId: 'admin', clientSecret: randomBytes(32).toString('base64url') }, null, 2)}\n`)
  const read = onDisk.safeParse(parsed(await readFile(file, 'utf8')))
  if (!read.success) throw new Error(`${file} does not hold {clientId, clientSecret}; restore it, or delete the file to get new credentials`)
  return { clientId: read.data.clientId, clientSecret: new Secret(read.data.clientSecret) }
}

/** What keyed hashes and sealed keys derive from. Losing it makes the stored keys unreadable, so it lives and dies with the data. */
export async function keptRootSecret(dataDir: string): Promise<Secret> {
  const file = join(dataDir, 'root-secret')
  await createOnce(file, () => randomBytes(32).toString('base64url'))
  return new Secret((await readFile(file, 'utf8')).trim())
}

/** Whole or not at all, also when the process is killed meanwhile: written beside its place and linked into it. */
async function createOnce(file: string, content: () => string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o711 })
  const draft = `${file}.${randomBytes(6).toString('hex')}.draft`
  await writeFile(draft, content(), { mode: 0o600 })
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft, { force: true })
  await chmod(file, 0o600)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
