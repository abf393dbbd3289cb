import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const SPECS = ['**/*.spec.ts', '**/*.fixture.ts', '**/*.conformance.ts', 'libs/testing/**', 'apps/e2e/**']

/** Where the environment may be read: settings, and what stands outside the services. */
const READS_ENVIRONMENT = [
  'libs/service/src/settings/**',
  'libs/testing/**',
  'apps/cli/**',
  'apps/launcher/**',
  'apps/demo/**',
  'apps/e2e/**',
]

const impure = (selector, message) => ({ selector, message: `Rules are pure: ${message}` })

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.nx/', '.data/', 'coverage/', '**/*.d.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        globalThis: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        module: 'writable',
        require: 'readonly',
        __dirname: 'readonly',
      },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.spec.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        {
          allowNumber: true,
          allowBoolean: true,
          allowNullish: true,
          allow: ['URL', 'URLSearchParams'],
        },
      ],
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      // The linter's compiler and ours differ in what they find out by themselves.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // Interfaces write functions as methods.
      '@typescript-eslint/unbound-method': 'off',
      // Asynchronous by contract, whether or not this implementation waits.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: ['error', 'smart'],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'The environment is read in libs/service/src/settings only.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:process',
              importNames: ['env'],
              message: 'The environment is read in libs/service/src/settings only.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.decider.ts', '**/*.projection.ts', '**/*.published.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        impure("NewExpression[callee.name='Date'][arguments.length=0]", 'time comes with the command.'),
        impure("CallExpression[callee.object.name='Date'][callee.property.name='now']", 'time comes with the command.'),
        impure(
          "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          'chance comes with the command.',
        ),
        impure("CallExpression[callee.name='randomUUID']", 'ids come with the command.'),
      ],
    },
  },
  {
    files: ['**/*.decider.ts'],
    rules: {
      'no-restricted-globals': ['error', 'fetch', 'process', 'setTimeout', 'console'],
    },
  },
  { files: READS_ENVIRONMENT, rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' } },
  { files: ['apps/launcher/**', 'apps/demo/**', 'apps/e2e/**', 'libs/testing/**'], rules: { 'no-console': 'off' } },
  {
    files: SPECS,
    rules: {
      'no-console': 'off',
      'no-restricted-properties': 'off',
      // What comes out of a response or a matcher is unknown to the compiler; the assertion is what checks it.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/only-throw-error': 'off',
    },
  },
)
