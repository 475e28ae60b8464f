import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from '../pinned-node.mjs'
import { startProgress } from './progress.adapter.mjs'

const mark = join(workspaceRoot, 'node_modules', '.curfew-lock')

/**
 * Installs what the lockfile names unless that is what is installed. The mark lies inside node_modules and is written last, so a removed
 * folder or an interrupted install counts as not installed. Throws one error that says what to do.
 */
export async function ensurePackages() {
  const wanted = createHash('sha256').update(readFileSync(join(workspaceRoot, 'package-lock.json'))).digest('hex')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return
  const progress = startProgress('installing packages')
  const { code, output } = await npmCi()
  if (code !== 0) {
    progress.end('failed')
    throw new Error(`${output.trimEnd()}\n\nnpm could not install the packages: its own words are above. When the registry was out of reach or the disk full, mend that and run the command again; nothing else needs cleaning up.`)
  }
  writeFileSync(mark, wanted)
  progress.end('done')
}

function npmCi() {
  return new Promise((resolve) => {
    // npm says which npm it is; a script started without it finds one on the PATH.
    const own = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
    const [command, ...args] = [...own, 'ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev']
    const child = spawn(command, args, { cwd: workspaceRoot, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.once('error', (error) => resolve({ code: -1, output: `${output}${error.message}` }))
    child.once('close', (code) => resolve({ code, output }))
  })
}
