import tseslint from 'typescript-eslint';

/** Rules that need types: only those whose absence lets a daemon lose an error, or a page, or forget a case. */
const typed = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'jest.config.js', '.cache/**', 'coverage/**', 'artifacts/**', 'packages/shared/src/client/openapi.ts'] },
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
  {
    files: ['packages/{shared,master,slave,cli,workbench}/src/**/*.ts', 'packages/*/test/**/*.ts'],
    languageOptions: { parserOptions: { project: [...['shared', 'master', 'slave', 'cli', 'workbench'].map((name) => `packages/${name}/tsconfig.json`), 'tsconfig.test.json'], tsconfigRootDir: import.meta.dirname } },
    rules: typed,
  },
  {
    // In browsers: types of its own.
    files: ['packages/portal/src/**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { project: ['packages/portal/tsconfig.json', 'tsconfig.portal-test.json'], tsconfigRootDir: import.meta.dirname } },
    rules: typed,
  },
  {
    // A knex builder can be awaited, so the rule takes `where((query) => query.orWhere(…))` for a lost promise.
    files: ['packages/master/src/{db,repositories}/**/*.ts'],
    rules: { '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }] },
  },
  {
    // Names are what others call things, and advice is pasted into shells: a value goes into a command as one word.
    files: ['packages/cli/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'packages/cli/src/commands/completion/scripts.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: ':not(TaggedTemplateExpression) > TemplateLiteral > TemplateElement[tail=false][value.raw=/\\bparavcl [^`]*$/]', message: 'Put a value into a command with line`…` of output/advice, which quotes it for the shell.' },
      ],
    },
  },
);
