import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { announceKept, endProcess, forgetKept, keptParts, provideParts, thisProcess } from '@curfew/testing/parts'
import { sourceLoader } from '../pinned-node.mjs'

/** Two minutes: the first start on a machine fetches the broker. */
const patienceMs = 120_000

async function up() {
  const log = join(mkdtempSync(join(tmpdir(), 'curfew-parts-')), 'keeper.log')
  if (!keptParts()) {
    const out = openSync(log, 'a')
    const keeper = spawn(process.execPath, [...sourceLoader, fileURLToPath(import.meta.url), 'keeper'], { detached: true, stdio: ['ignore', out, out] })
    keeper.unref()
    await announced(keeper, log)
  }
  for (const description of keptParts().descriptions) console.log(description)
  console.log('parts are up; "node tools/parts.mjs down" stops them')
}

async function announced(keeper, log) {
  const deadline = Date.now() + patienceMs
  while (!keptParts()) {
    if (keeper.exitCode !== null || Date.now() > deadline) throw new Error(`the parts did not start\n${readFileSync(log, 'utf8')}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function down() {
  const kept = keptParts()
  if (kept) await endProcess(kept.keeper, 60_000)
  console.log(kept ? 'parts are down' : 'no parts were up')
}

/** Holds the parts until told to end. */
async function keep() {
  const parts = await provideParts(console.log)
  const stop = async () => {
    forgetKept()
    await parts.stop()
    process.exit(0)
  }
  process.once('SIGTERM', stop).once('SIGINT', stop)
  announceKept(parts, thisProcess())
  setInterval(() => undefined, 2 ** 30)
}

const actions = { up, down, keeper: keep }
const action = actions[process.argv[2]]
if (!action) console.error('usage: node tools/parts.mjs up | down')
await (action ?? (() => process.exit(2)))().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
