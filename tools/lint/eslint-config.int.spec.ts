import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Case {
  readonly rule: string
  readonly path: string
  readonly text: string
  readonly found: readonly string[]
}

const tags = '@nx/enforce-module-boundaries'
const purity = 'no-restricted-imports'
const environment = 'no-restricted-syntax'
const taking = (name: string): string => `import * as taken from '${name}'\nexport const user = taken\n`

const cases: readonly Case[] = [
  { rule: 'core imports core only', path: 'libs/kernel/src/probe.adapter.ts', text: taking('@curfew/bus'), found: [tags] },
  { rule: 'core takes no database client', path: 'libs/kernel/src/probe.adapter.ts', text: taking('pg'), found: [tags] },
  { rule: 'the platform takes core', path: 'libs/bus/src/probe.adapter.ts', text: taking('@curfew/contracts'), found: [] },
  { rule: 'services never import each other', path: 'apps/revocation/src/probe.adapter.ts', text: taking('@curfew/session'), found: [tags] },
  { rule: 'the edge takes no Nest', path: 'apps/gateway/src/probe.adapter.ts', text: taking('@nestjs/common'), found: [tags] },
  { rule: 'the edge takes no library that needs Postgres', path: 'apps/gateway/src/probe.adapter.ts', text: taking('@curfew/persistence'), found: [purity] },
  { rule: 'the edge takes the feed', path: 'apps/gateway/src/probe.adapter.ts', text: taking('@curfew/feed'), found: [] },
  { rule: 'the real parts are out of reach of sources', path: 'libs/bus/src/probe.adapter.ts', text: taking('@curfew/testing'), found: [tags] },
  { rule: 'the real parts are in reach of specs', path: 'libs/bus/src/probe.int.spec.ts', text: taking('@curfew/testing'), found: [] },
  { rule: 'core specs need no real parts', path: 'libs/kernel/src/probe.spec.ts', text: taking('@curfew/testing'), found: [tags] },
  { rule: 'another project is never imported by path', path: 'libs/bus/src/probe.adapter.ts', text: taking('../../kernel/src/clock.js'), found: [tags] },
  { rule: 'standalone composes services', path: 'apps/standalone/src/probe.adapter.ts', text: taking('@curfew/session'), found: [] },
  { rule: 'standalone takes no test parts', path: 'apps/standalone/src/probe.adapter.ts', text: taking('@curfew/testing'), found: [tags] },
  { rule: 'a bare file does no I/O', path: 'apps/revocation/src/revoke/probe.ts', text: taking('node:fs'), found: [purity] },
  { rule: 'a bare file does no I/O by a sub-path either', path: 'apps/revocation/src/revoke/probe.ts', text: taking('node:fs/promises'), found: [purity] },
  { rule: 'a bare file may hash', path: 'apps/revocation/src/revoke/probe.ts', text: taking('node:crypto'), found: [] },
  { rule: 'a bare file imports no file with a role', path: 'apps/revocation/src/revoke/probe.ts', text: taking('../store/cutoffs.store.js'), found: [purity] },
  { rule: 'a bare file imports bare files', path: 'apps/revocation/src/revoke/probe.ts', text: taking('./revoke.js'), found: [] },
  { rule: 'a bare file takes types of the bus', path: 'apps/revocation/src/revoke/probe.ts', text: `export type { BusRecord } from '@curfew/bus'\n`, found: [] },
  { rule: 'a bare file takes nothing else of it', path: 'apps/revocation/src/revoke/probe.ts', text: taking('@curfew/bus'), found: [purity] },
  { rule: 'a file with a role does I/O', path: 'apps/revocation/src/revoke/probe.adapter.ts', text: taking('node:fs'), found: [] },
  { rule: 'main is not pure', path: 'apps/revocation/src/main.ts', text: taking('node:fs'), found: [] },
  { rule: 'denylist takes no package', path: 'libs/denylist/src/probe.adapter.ts', text: taking('zod'), found: [purity] },
  { rule: 'the environment is not read in sources', path: 'libs/bus/src/probe.adapter.ts', text: 'export const home = process.env.HOME\n', found: [environment] },
  { rule: 'nor by taking it apart', path: 'libs/bus/src/probe.adapter.ts', text: 'export const { env } = process\n', found: [environment] },
  { rule: 'the environment is read in config.ts', path: 'apps/revocation/src/config.ts', text: 'export const home = process.env.HOME\n', found: [] },
  { rule: 'any is not a type', path: 'libs/bus/src/probe.adapter.ts', text: 'export const anything = (value: any): any => value\n', found: ['@typescript-eslint/no-explicit-any', '@typescript-eslint/no-explicit-any'] },
]

let found: string[][]
beforeAll(() => {
  const child = spawnSync(process.execPath, [join(__dirname, 'lint-texts.mjs')], { input: JSON.stringify(cases), encoding: 'utf8', env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true' } })
  if (child.status !== 0) throw new Error(child.stderr)
  found = JSON.parse(child.stdout) as string[][]
}, 60_000)

test.each(cases.map((known, index) => ({ ...known, index })))('$rule', ({ index, found: expected }) => {
  expect(found[index]).toEqual(expected)
})
