// node tools/parts.mjs up | down: keeps Kafka, PostgreSQL and Redis running between single specs.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pinnedNode, sourceLoader, toolEnvironment, workspaceRoot } from './pinned-node.mjs'

const child = spawn(pinnedNode(), [...sourceLoader, join(workspaceRoot, 'tools/parts/keep.mjs'), process.argv[2] ?? ''],
  { stdio: 'inherit', env: toolEnvironment() })
child.on('exit', (code) => process.exit(code ?? 1))
