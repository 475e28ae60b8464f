// What `npm test` does once the packages are there. It says each step and what it took; a green step is one line, a red one its whole output.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { endOrphans, environmentFrom, keptParts, provideParts } from '@curfew/testing/parts'
import { buildWorkspaces } from '../build/all.adapter.mjs'
import { whenAskedToEnd } from '../launch/ending.adapter.mjs'
import { binDirectory } from '../pinned-node.mjs'
import { endChildren, runCaptured } from './children.adapter.js'
import { failedTasks, failureText } from './nx-output.js'
import { readProjects, readReport, reportsDirectory } from './projects.adapter.js'
import { chosenProjects, specsOf, type Project, type Size } from './spec-files.js'
import { duration, finalLine, sum, tallyOf, type Tally } from './totals.js'

/** Ten minutes: several times what the slowest project takes on two busy cores, and an end for one that hangs. */
const limitMs = 10 * 60_000
const write = (text: string): void => void process.stdout.write(text)
const say = (line: string): void => write(`${line}\n`)
const indented = (text: string): string => text.replace(/^/gm, '  ')

interface StepResult {
  readonly summary: string
  readonly tally: Tally
  /** What went wrong at length; shown when there is any. */
  readonly trouble?: string
}

let isInterrupted = false

async function step(title: string, work: () => Promise<StepResult>): Promise<Tally> {
  const began = performance.now()
  write(`${title} … `)
  const { summary, tally, trouble } = await work()
  // Told to end: what a killed step has to say is no result.
  if (isInterrupted) await new Promise(() => undefined)
  say(`${duration(performance.now() - began)}${summary && `: ${summary}`}`)
  if (trouble) say(`\n${indented(trouble.trim())}\n`)
  for (const complaint of tally.complaints) say(`  ${title}: ${complaint}`)
  return tally
}

/** Types, lint and unit tests: they depend on the sources alone, so Nx may answer from its cache. */
async function checkAll(projects: readonly Project[]): Promise<{ checks: Tally; unit: Tally }> {
  let unit = sum([])
  const title = `types, lint and unit tests of ${projects.length === 1 ? (projects[0] as Project).path : `${projects.length} projects`}`
  const checks = await step(title, async () => {
    const args = ['run-many', '-t', 'typecheck', 'lint', 'test', '-p', projects.map(({ name }) => name).join(','), '--parallel=2', '--output-style=static', '--nxBail=false']
    const { endedWell, output } = await runCaptured(join(binDirectory, 'nx'), args, { env: process.env, limitMs })
    const failed = failedTasks(output)
    unit = sum(projects.map((project) => tallyOf({
      report: readReport(project, 'unit'), specFiles: specsOf(project, 'unit').length, endedWell: !failed.includes(`${project.name}:test`),
    })))
    const checksFailed = failed.filter((task) => !task.endsWith(':test'))
    const silent = !endedWell && failed.length === 0
    const complaints = [...checksFailed.map((task) => `${task} failed`), ...(silent ? ['Nx did not end well'] : []), ...unit.complaints]
    const said = (target: string): string => `${projects.length - failed.filter((task) => task.endsWith(`:${target}`)).length} of ${projects.length}`
    return {
      summary: silent ? 'Nx failed' : `types ${said('typecheck')}, lint ${said('lint')}, ${finalLine(unit)}`,
      tally: { passed: 0, failed: checksFailed.length + (silent ? 1 : 0), complaints },
      trouble: endedWell ? undefined : failureText(output),
    }
  })
  return { checks, unit }
}

function runSpecs(project: Project, size: Size, env: NodeJS.ProcessEnv): Promise<Tally> {
  return step(`${size === 'e2e' ? 'end-to-end' : size} ${project.path}`, async () => {
    const { endedWell, output } = await runCaptured(process.execPath, ['tools/run-jest.mjs', project.path, size], { env: { ...process.env, ...env }, limitMs })
    const tally = tallyOf({ report: readReport(project, size), specFiles: specsOf(project, size).length, endedWell })
    // What a spec started and did not stop is ended before the next one meets it.
    await endOrphans()
    return { summary: finalLine(tally), tally, trouble: tally.failed > 0 ? output : undefined }
  })
}

let stopParts: () => Promise<void> = async () => undefined

/** The environment by which specs find Kafka, PostgreSQL and Redis. */
async function realParts(): Promise<NodeJS.ProcessEnv> {
  let env: NodeJS.ProcessEnv = {}
  await step('real parts', async () => {
    const kept = keptParts()
    const starting = kept ? undefined : provideParts((line) => say(`\n  ${line}`))
    stopParts = async () => (await starting?.catch(() => undefined))?.stop()
    const parts = kept ?? (await starting)
    if (!parts) throw new Error('no parts')
    env = { ...environmentFrom(parts.addresses), CURFEW_TEST_PARTS: parts.descriptions.join('; ') }
    return { summary: `${parts.descriptions.join('; ')}${kept ? ' (kept by tools/parts.mjs)' : ''}`, tally: sum([]) }
  })
  return env
}

async function runAll(): Promise<Tally> {
  const projects = chosenProjects(readProjects(), process.argv.slice(2))
  const having = (size: Size): Project[] => projects.filter((project) => specsOf(project, size).length > 0)
  rmSync(reportsDirectory, { recursive: true, force: true })
  mkdirSync(reportsDirectory, { recursive: true })
  const { checks, unit } = await checkAll(projects)
  const tallies: Record<string, Tally> = { 'types and lint': checks, unit }
  if (having('integration').length + having('e2e').length > 0) {
    const env = await realParts()
    const runEach = async (size: Size): Promise<Tally> => {
      const each: Tally[] = []
      for (const project of having(size)) each.push(await runSpecs(project, size, env))
      return sum(each)
    }
    tallies.integration = await runEach('integration')
    if (having('e2e').length > 0) {
      await step('build', async () => ({ summary: `${(await buildWorkspaces()).length} projects changed`, tally: sum([]) }))
      tallies['end-to-end'] = await runEach('e2e')
    }
  }
  say(`\n${Object.entries(tallies).map(([kind, tally]) => `${kind}: ${kind === 'types and lint' ? `${tally.failed} failed` : finalLine(tally)}`).join('; ')}`)
  return sum(Object.values(tallies))
}

let cleaning: Promise<void> | undefined
/** Ends what this run started, once, however the run ends. */
function cleanUp(): Promise<void> {
  return (cleaning ??= (async () => {
    await endChildren()
    await stopParts()
    await endOrphans()
  })())
}

async function interrupted(signal: NodeJS.Signals): Promise<void> {
  if (isInterrupted) return
  isInterrupted = true
  say(`\n${signal}: stopping what this run started`)
  await cleanUp().catch((error: unknown) => console.error(error))
  process.exit(signal === 'SIGINT' ? 130 : 143)
}
whenAskedToEnd((signal: NodeJS.Signals) => void interrupted(signal))

const began = performance.now()
try {
  const total = await runAll()
  await cleanUp()
  say(`all of it took ${duration(performance.now() - began)}`)
  say(finalLine(total))
  process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)
} catch (error) {
  await cleanUp().catch((failure: unknown) => console.error(failure))
  say(`\n${(error as Error).message}\n0 passed, 1 failed`)
  process.exit(1)
}
