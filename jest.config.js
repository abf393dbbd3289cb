/** One transform for every project: swc, so that a spec starts without a build. */
const base = {
  rootDir: '.',
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: { '^#libs/(.*)$': '<rootDir>/libs/$1/src/index.ts', '^(\\.{1,2}/.*)\\.js$': '$1' },
  roots: ['<rootDir>/apps', '<rootDir>/libs'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.nx'],
}

const infrastructure = '<rootDir>/libs/testing/src/jest'

/** unit: nothing outside the process · int: PostgreSQL, NATS or a whole service on sockets · e2e: the whole house, from dist/ */
export default {
  // Of all projects: in a project's own settings jest does not look for it.
  testTimeout: 30_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['**/*.spec.ts'],
      testPathIgnorePatterns: ['\\.int\\.spec\\.ts$', '/apps/e2e/'],
    },
    {
      ...base,
      displayName: 'int',
      testMatch: ['**/*.int.spec.ts'],
      globalSetup: `${infrastructure}/global-setup.js`,
      globalTeardown: `${infrastructure}/global-teardown.js`,
    },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/apps/e2e/**/*.spec.ts'] },
  ],
}
