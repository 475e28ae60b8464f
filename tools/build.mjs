// `node ../../tools/build.mjs` in a project folder, or `node tools/build.mjs libs/bus`: compiles its src/**/*.ts into dist/.
import { resolve } from 'node:path'
import { buildProject } from './build/project.adapter.mjs'

await buildProject(resolve(process.argv[2] ?? '.'))
