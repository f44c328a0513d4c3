// The lint configuration: the layer table and what else is law, as the JSON that oxlint reads.
import { AGENTS, COMPUTED, CONTEXTS, ENVIRONMENT, FENCES, FREE, LAYERS } from './layers.ts';
import type { LayerOptions } from './oxlint-plugin.ts';

const TESTS = ['**/*.test.ts', 'test/**'];
/** Their stdout is what they are for. */
const PRINTING = ['src/interfaces/cli/**', 'scripts/**', 'bench/**', ...TESTS];
/** Files whose one definition is read by somebody else's program. */
const DEFAULT_EXPORT = ['agents/**', '**/fixtures/**', '*.config.ts', 'scripts/oxlint-plugin.ts', ...TESTS];
const GENERATED = ['**/*.generated.ts'];

const layerOptions: LayerOptions = {
  layers: LAYERS,
  contexts: CONTEXTS,
  agents: AGENTS,
  free: FREE,
  fences: FENCES,
  environment: ENVIRONMENT,
  computed: COMPUTED,
};

const CONFIGURATION = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  jsPlugins: ['./scripts/oxlint-plugin.ts'],
  options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
  categories: { correctness: 'error' },
  ignorePatterns: ['node_modules', 'data', 'code', 'coverage', 'dist'],
  rules: {
    'seed/layers': ['error', layerOptions],
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'import/no-duplicates': 'error',
    'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    'no-console': 'error',
    'no-extend-native': 'error',
    'no-unexpected-multiline': 'error',
    'no-useless-concat': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    eqeqeq: ['error', 'always'],
    'typescript/consistent-type-imports': ['error', { prefer: 'type-imports', disallowTypeAnnotations: true }],
    'typescript/no-explicit-any': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-namespace': 'error',
    'typescript/no-floating-promises': ['error', { ignoreVoid: true }],
    'typescript/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
    'typescript/await-thenable': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unnecessary-boolean-literal-compare': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'unicorn/prefer-node-protocol': 'error',
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
    'vitest/no-focused-tests': 'error',
    'vitest/no-disabled-tests': 'error',
    // Methods of our own interfaces are functions of closures: they have no `this` to lose.
    'typescript/unbound-method': 'off',
    // Narrowing a result before looking into it is no weak test.
    'vitest/no-conditional-expect': 'off',
    // The guest's script is put together from the texts of functions.
    'typescript/restrict-template-expressions': 'off',
    // A set that changes while it is walked is walked as a copy.
    'unicorn/no-useless-spread': 'off',
    // Of windows; worker threads have no origin.
    'unicorn/require-post-message-target-origin': 'off',
  },
  overrides: [
    { files: PRINTING, rules: { 'no-console': 'off' } },
    { files: DEFAULT_EXPORT, rules: { 'import/no-default-export': 'off' } },
    { files: ['**/*.d.ts'], rules: { 'no-var': 'off' } },
    { files: GENERATED, rules: { 'max-lines': 'off' } },
  ],
};

export function oxlintConfiguration(): string {
  return `${JSON.stringify(CONFIGURATION, null, 2)}\n`;
}
