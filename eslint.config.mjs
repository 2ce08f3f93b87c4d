import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'jest.config.js', '.cache/**'] },
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
);
