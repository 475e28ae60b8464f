import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { addressesFromEnvironment, cacheDirectory, type PartAddresses } from './config.js'
import { isAlive, type LiveProcess } from './live-process.adapter.js'
import type { Parts } from './parts.adapter.js'

/** Parts that a developer keeps running between commands, and the process that holds them. */
export interface KeptParts {
  readonly keeper: LiveProcess
  readonly addresses: Required<PartAddresses>
  readonly descriptions: readonly string[]
}

const file = (): string => join(cacheDirectory(), 'kept-parts.json')

/** Readable by this user only: the database address holds a password. */
export function announceKept(parts: Parts, keeper: LiveProcess): void {
  mkdirSync(dirname(file()), { recursive: true })
  const kept: KeptParts = { keeper, addresses: parts.addresses, descriptions: parts.descriptions }
  writeFileSync(`${file()}.new`, JSON.stringify(kept), { mode: 0o600 })
  renameSync(`${file()}.new`, file())
}

export const forgetKept = (): void => rmSync(file(), { force: true })

/** Undefined when nobody keeps parts, or the keeper was killed. */
export function keptParts(): KeptParts | undefined {
  try {
    const kept = JSON.parse(readFileSync(file(), 'utf8')) as KeptParts
    return isAlive(kept.keeper) ? kept : undefined
  } catch {
    return undefined
  }
}

/** The parts a spec is to use: what the environment names first, else the kept ones. */
export function knownAddress(name: keyof PartAddresses): string {
  const address = addressesFromEnvironment()[name] ?? keptParts()?.addresses[name]
  if (!address) throw new Error(`no ${name} for this test: run it through "npm test", or start the parts with "node tools/parts.mjs up"`)
  return address
}
