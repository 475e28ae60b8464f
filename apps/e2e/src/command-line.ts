import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const launcher = fileURLToPath(new URL('../../cli/bin/curfew.mjs', import.meta.url))

/** Runs the CLI as `npx curfew` does, with this environment and no other `CURFEW_*`; resolves with its standard output. */
export async function curfew(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [launcher, ...args], { env: { ...env }, timeout: 60_000 })
  return stdout
}
