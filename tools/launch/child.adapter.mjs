import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { pinnedNode, sourceLoader, toolEnvironment, workspaceRoot } from '../pinned-node.mjs'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** A terminal and npm both pass on one Ctrl-C: within a second it is the same one. A later one is a person who means it. */
const sameSignalMs = 1000

/**
 * Runs a program of ours under the pinned Node, hands it our signals, and resolves with its exit code (128 + signal when one ended it).
 * It lives in a process group of its own, so that a Ctrl-C reaches it once, through us, and what it leaves behind ends with it.
 */
export function runPinned(args, { env = {}, source = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(pinnedNode(), [...(source ? sourceLoader : []), '--enable-source-maps', ...args],
      { cwd: workspaceRoot, stdio: ['ignore', 'inherit', 'inherit'], detached: true, env: toolEnvironment(env) })
    const stopForwarding = forwardSignals(child)
    child.once('error', (error) => {
      stopForwarding()
      reject(error)
    })
    child.once('exit', (code, signal) => {
      stopForwarding()
      endGroup(child.pid)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

function forwardSignals(child) {
  const last = {}
  const forward = (name) => {
    const now = performance.now()
    if (last[name] !== undefined && now - last[name] < sameSignalMs) return
    last[name] = now
    child.kill(name)
  }
  for (const name of forwarded) process.on(name, forward)
  return () => forwarded.forEach((name) => process.removeListener(name, forward))
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGTERM')
  } catch {
    // The group is empty, as it should be.
  }
}
