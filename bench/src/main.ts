import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chartOf } from './chart.js'
import { machine } from './machine.adapter.js'
import { runP1, title } from './p1/p1.bench.js'
import { runP2, title as decisionTitle } from './p2/p2.bench.js'
import { memoryTitle, pausesTitle, runMemory, runPauses } from './p4/p4.bench.js'
import { lineOf, type BenchResult, type CaseResult } from './result.js'

const results = fileURLToPath(new URL('../results', import.meta.url))
const benches = {
  P1: { title, unit: 'ms', run: runP1 },
  P2: { title: decisionTitle, unit: 'ns', run: runP2 },
  P4: { title: pausesTitle, unit: 'ms', run: runPauses },
  'P4-memory': { title: memoryTitle, unit: 'B', run: runMemory },
} as const
type Id = keyof typeof benches

// usage: main <id>|all [--quick]
const [wanted = 'all', ...flags] = process.argv.slice(2)
const ids = wanted === 'all' ? (Object.keys(benches) as Id[]) : wanted in benches ? [wanted as Id] : []
if (ids.length === 0 || flags.some((flag) => flag !== '--quick')) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')}|all [--quick]`)
  process.exit(2)
}
for (const id of ids) {
  const { unit, run } = benches[id]
  const startedAt = new Date().toISOString()
  const cases: CaseResult[] = []
  await run({
    quick: flags.includes('--quick'), say: (line) => console.error(line),
    onCase: (one) => {
      cases.push(one)
      console.log(lineOf(id, unit, one))
    },
  })
  const result: BenchResult = { id, title: benches[id].title, unit, cases, machine: machine(), node: process.version, startedAt }
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, `${id}.json`), `${JSON.stringify(result, null, 2)}\n`)
  writeFileSync(join(results, `${id}.svg`), chartOf(result))
  console.error(`wrote bench/results/${id}.json and ${id}.svg`)
}
