import { variables } from '@curfew/contracts'
import { readTree } from './tidy/read-tree.adapter.js'
import {
  bareFilesArePure, environmentInConfigOnly, importsLeadSomewhere, namesSaySomething, noDeadFiles, noFileCycles, noProjectCycles,
} from './tidy/rules-of-code.js'
import { linksLeadSomewhere, noMachinePaths, noRegistryHosts, scriptsExist, scriptsRunSomething, variablesAreKnown } from './tidy/rules-of-texts.js'
import { declaredDependencies, edgeStaysLight, everyTarget, lockfileInStep, noDownloadAddresses, oneLayerEach } from './tidy/rules-of-workspaces.js'
import type { Rule } from './tidy/tree.js'

const tree = readTree()
const rules: readonly [string, Rule][] = [
  ['every workspace has exactly one layer', oneLayerEach],
  ['every workspace has the targets its files need', everyTarget],
  ['every workspace declares what its sources import', declaredDependencies],
  ['the edge reaches neither Postgres nor Nest', edgeStaysLight],
  ['files with a bare name are pure', bareFilesArePure],
  ['only config files read the environment', environmentInConfigOnly],
  ['no files import each other in a circle', noFileCycles],
  ['no projects import each other in a circle', noProjectCycles],
  ['every import leads somewhere', importsLeadSomewhere],
  ['no file is dead', noDeadFiles],
  ['every name says something', namesSaySomething],
  ['every link of a page leads somewhere', linksLeadSomewhere],
  ['no file names a path of one machine', noMachinePaths],
  ['no file names a package registry', noRegistryHosts],
  ['the lockfile names no download address', noDownloadAddresses],
  ['the lockfile is in step with every package.json', lockfileInStep],
  ['every variable named is in the catalogue', variablesAreKnown(variables)],
  ['every script named exists', scriptsExist],
  ['every script runs a file that is there', scriptsRunSomething],
]

test.each(rules)('%s', (_name, rule) => {
  expect(rule(tree)).toEqual([])
})
