import { readConfig } from './config.js'
import { run } from './run.handler.js'

// The code is set rather than exited with: a pipe that reads slowly still gets everything.
process.exitCode = await run(process.argv.slice(2), {
  config: () => readConfig(), out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text),
})
