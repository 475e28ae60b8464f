// Lets a tool import the workspace's TypeScript before anything is built: `node --import ./tools/typescript-source.mjs`.
import { existsSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transformSync } from '@swc/core'
import { swcOptions } from './swc-options.mjs'

registerHooks({
  resolve(specifier, context, next) {
    const asked = { ...context, conditions: [...context.conditions, '@curfew/source'] }
    // Sources say './x.js' because that is what will exist after the build.
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (existsSync(source)) return next(source.href, asked)
    }
    return next(specifier, asked)
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
    const filename = fileURLToPath(url)
    const { code } = transformSync(readFileSync(filename, 'utf8'), { ...swcOptions, filename, sourceMaps: 'inline' })
    return { format: 'module', source: code, shortCircuit: true }
  },
})
