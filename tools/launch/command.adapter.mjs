import { thisMachine, unsupported } from './platform.mjs'

/** Runs one of the root commands: its result is the exit code, an error is one message without a stack. */
export async function runCommand(command) {
  const reason = unsupported(thisMachine())
  if (reason) {
    console.error(reason)
    process.exit(1)
  }
  process.exitCode = await command(process.argv.slice(2)).catch((error) => {
    console.error(error.message)
    return 1
  })
}
