/** How every TypeScript file of the project becomes JavaScript, but for Jest, which wants CommonJS (jest.preset.mjs). */
export const swcOptions = {
  swcrc: false, sourceMaps: true, module: { type: 'es6' },
  jsc: { target: 'es2023', keepClassNames: true, parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false } },
}
