// `npm run reference`: writes docs/reference from the catalogues of libs/contracts. A spec compares them, so a stale page fails the tests.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pinnedNode, sourceLoader, toolEnvironment, workspaceRoot } from './pinned-node.mjs'

const run = spawnSync(pinnedNode(), [...sourceLoader, join(workspaceRoot, 'tools/reference/write.mjs')], { stdio: 'inherit', env: toolEnvironment() })
process.exit(run.status ?? 1)
