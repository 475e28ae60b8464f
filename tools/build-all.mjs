// `npm run build`: compiles every workspace that has a build target. Unchanged ones cost a few milliseconds.
import { buildWorkspaces } from './build/all.adapter.mjs'

for (const { path, files } of await buildWorkspaces()) console.log(`built ${path} (${files} ${files === 1 ? 'file' : 'files'})`)
