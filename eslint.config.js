import tseslint from 'typescript-eslint';
import { importX } from 'eslint-plugin-import-x';

const TEMPORAL = ['@temporalio/*'];

/** What each room may not import: ARCHITECTURE.md, "Rooms". */
function wall(room, patterns) {
  return {
    files: [`${room}/**/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

const rooms = (...names) => ({
  group: names.map((name) => `**/${name}/**`),
  message: 'Imports run one way; see ARCHITECTURE.md, "Rooms".',
});
const noTemporal = {
  group: TEMPORAL,
  message: 'Only workflows, activities, client and workers know Temporal.',
};

/** Workflows share these modules: what one wrote there, another would read, and a replay would read otherwise. */
const moduleState = [
  '[kind="let"]',
  ' > VariableDeclarator > NewExpression[callee.name=/^(Weak)?(Map|Set)$/][arguments.length=0]',
  ' > VariableDeclarator > ArrayExpression[elements.length=0]',
].flatMap((what) =>
  ['Program > VariableDeclaration', 'Program > ExportNamedDeclaration > VariableDeclaration'].map(
    (where) => ({ selector: where + what, message: 'A module that workflows share has no state.' }),
  ),
);

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      '**/.switchyard',
      '**/.venv',
      'trainers',
      'coverage',
      'dist',
      'scripts/init/template',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.js', 'scripts/*.js'] } },
    },
    rules: {
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
    },
    settings: { 'import-x/resolver-next': [] },
  },
  wall('domain', [
    noTemporal,
    rooms(
      'workflows',
      'activities',
      'adapters',
      'client',
      'workers',
      'serving',
      'scripts',
      'testing',
    ),
    { group: ['node:*'], message: 'domain/ is pure: no I/O, no clock.' },
  ]),
  wall('workflows', [
    rooms('adapters', 'client', 'workers', 'serving', 'scripts', 'testing'),
    {
      group: ['**/activities/**'],
      allowTypeImports: true,
      message: 'Workflows import activity types only.',
    },
    { group: ['node:*'], message: 'Workflow code runs in the sandbox.' },
  ]),
  {
    files: ['domain/**/*.ts', 'workflows/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...moduleState] },
  },
  wall('activities', [
    rooms('workflows', 'adapters', 'client', 'workers', 'serving', 'scripts', 'testing'),
  ]),
  wall('adapters', [
    noTemporal,
    rooms('workflows', 'activities', 'client', 'workers', 'serving', 'scripts', 'testing'),
  ]),
  wall('serving', [
    noTemporal,
    rooms('workflows', 'activities', 'client', 'workers', 'scripts', 'testing'),
  ]),
  wall('scripts', [
    { group: TEMPORAL, message: 'scripts/ talk to Temporal through client/ and workers/.' },
    rooms('testing'),
  ]),
  ...['client', 'workers'].map((room) => wall(room, [rooms('testing')])),
  wall('testing', [
    rooms('test'),
    { group: ['mocha', 'node:test'], message: 'testing/ is for every test framework.' },
  ]),
  {
    files: ['**/*.test.ts', '**/*.suite.ts', 'test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['eslint.config.js', '**/switchyard.config.ts', 'test/**/*.config.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
);
