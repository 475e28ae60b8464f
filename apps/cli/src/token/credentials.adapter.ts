import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Secret } from '@curfew/kernel'
import { z } from 'zod'
import type { CliConfig } from '../config.js'
import { CommandFailure } from '../usage.js'

export type Credentials = NonNullable<CliConfig['credentials']>

const onDisk = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(1) })

/** Who is calling: what the environment says, else the first administrator of the data directory. */
export async function findCredentials({ credentials, dataDir }: CliConfig): Promise<Credentials> {
  if (credentials !== undefined) return credentials
  const file = resolve(join(dataDir, 'credentials.json'))
  const read = onDisk.safeParse(await contentOf(file))
  if (!read.success) throw new CommandFailure(`${file} does not hold {clientId, clientSecret}: start Curfew with that data directory, or set CURFEW_CLIENT_ID and CURFEW_CLIENT_SECRET`)
  return { clientId: read.data.clientId, clientSecret: new Secret(read.data.clientSecret) }
}

async function contentOf(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `there are no credentials at ${file}` : `${file} cannot be read (${code ?? 'unknown'})`
    throw new CommandFailure(`${why}: run "npm start" here, name the data directory in CURFEW_DATA_DIR, or set CURFEW_CLIENT_ID and CURFEW_CLIENT_SECRET`, { cause })
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
