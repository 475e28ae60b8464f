import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { swcOptions } from '../swc-options.mjs'
import { isBuilt, isCurrent, leftovers, outputsOf } from './sources.mjs'

const stampName = '.stamp'
const require = createRequire(import.meta.url)

/**
 * Compiles a project's `src` into `dist`, file by file: `.js` and `.js.map`. It neither checks types nor bundles. A project whose sources
 * did not change since its last build is left alone. Resolves with the number of files written.
 */
export async function buildProject(project) {
  const sources = filesBelow(join(project, 'src')).filter(isBuilt)
  const dist = join(project, 'dist')
  const present = filesBelow(dist).filter((name) => name !== stampName)
  const inputs = fingerprint(join(project, 'src'), sources)
  if (isCurrent({ stamp: stampOf(dist), inputs, present, sources })) return 0
  // Without a stamp a build that dies half-way is done again.
  rmSync(join(dist, stampName), { force: true })
  for (const name of leftovers(present, sources)) rmSync(join(dist, name), { force: true })
  const { transformFile } = require('@swc/core')
  await Promise.all(sources.map((name) => compile(transformFile, project, name)))
  if (sources.length > 0) writeFileSync(join(dist, stampName), inputs)
  return sources.length
}

async function compile(transformFile, project, name) {
  const from = join(project, 'src', name)
  const [script, map] = outputsOf(name).map((output) => join(project, 'dist', output))
  const compiled = await transformFile(from, { ...swcOptions, sourceFileName: relative(dirname(script), from).split(sep).join('/') })
  mkdirSync(dirname(script), { recursive: true })
  writeFileSync(script, `${compiled.code}//# sourceMappingURL=${name.split('/').at(-1).replace(/\.ts$/, '.js.map')}\n`)
  writeFileSync(map, compiled.map)
}

/** Content decides, not the time of a file: a fresh clone and a switched branch change every time and perhaps nothing else. */
function fingerprint(directory, sources) {
  const hash = createHash('sha256').update(recipe())
  for (const name of sources) hash.update(`\0${name}\0`).update(readFileSync(join(directory, name)))
  return hash.digest('hex')
}

let known
/** Everything besides the sources that decides what comes out. */
function recipe() {
  const own = fileURLToPath(new URL('.', import.meta.url))
  const files = [join(own, '../swc-options.mjs'), ...readdirSync(own).filter((name) => !name.includes('.spec.')).map((name) => join(own, name))]
  return (known ??= [require('@swc/core/package.json').version, ...files.map((file) => readFileSync(file, 'utf8'))].join('\0'))
}

function stampOf(dist) {
  const file = join(dist, stampName)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function filesBelow(directory) {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join('/')).sort()
}
