import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'jest.config.js', '.cache/**', 'coverage/**', 'artifacts/**'] },
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
  {
    // Rules that need types: only those whose absence lets a daemon lose an error or forget a case.
    files: ['packages/*/src/**/*.{ts,tsx}', 'packages/*/test/**/*.ts'],
    languageOptions: {
      parserOptions: { project: ['packages/*/tsconfig.json', 'tsconfig.test.json', 'tsconfig.portal-test.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // A knex builder can be awaited, so the rule takes `where((query) => query.orWhere(…))` for a lost promise.
    files: ['packages/master/src/{db,repositories}/**/*.ts'],
    rules: { '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }] },
  },
);
