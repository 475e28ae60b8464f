// `npm run bench -- P1|all [--quick]`: builds what changed and measures under the pinned Node.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { buildWorkspaces } from './build/all.adapter.mjs'
import { pinnedNode, toolEnvironment, workspaceRoot } from './pinned-node.mjs'

await buildWorkspaces()
const child = spawn(pinnedNode(), [join(workspaceRoot, 'bench/dist/main.js'), ...process.argv.slice(2)], { stdio: 'inherit', env: toolEnvironment() })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
