#!/usr/bin/env node
// The launcher is committed before the CLI is built: npx links only a bin that exists at install, and would else ask the public registry for the name.
console.error('curfew: the command-line interface is not delivered yet; see ARCHITECTURE.md')
process.exitCode = 1
