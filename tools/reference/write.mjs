import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from '../pinned-node.mjs'
import { referencePages } from './pages.ts'

const folder = join(workspaceRoot, 'docs/reference')
mkdirSync(folder, { recursive: true })
for (const [name, text] of referencePages()) writeFileSync(join(folder, name), text)
