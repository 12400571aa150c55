// Type-aware lint for the whole workspace, and the floors of docs/architecture.md as import rules.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const floors = [0, 1, 2, 3];

/** A package on floor N imports only from floors below N; the app and the private folders import from all. */
const floorRules = floors.map((floor) => ({
  sourceTag: `floor:${floor}`,
  onlyDependOnLibsWithTags: floors.filter((other) => other < floor).map((other) => `floor:${other}`),
}));

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/build/**',
      '**/prebuilds/**',
      '**/node_modules/**',
      'docs/api/**',
      'tmp/**',
      '.nx/**',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/prefer-literal-enum-member': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An async function without await still turns what it throws into a rejection.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { depConstraints: [...floorRules, { sourceTag: 'floor:app', onlyDependOnLibsWithTags: ['*'] }] },
      ],
      'no-console': 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    // The executables of packages are not libraries.
    ignores: ['packages/*/src/main.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Libraries do not read the environment.' },
      ],
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
