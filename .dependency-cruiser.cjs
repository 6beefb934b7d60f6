// The layers of src/, checked by `npm run check:layers`: imports only go down, and siblings on one line do not import each
// other, but for the arrows that are written out here.

// Top to bottom. A layer may import every layer below it, never one above.
const LAYERS = [
  ['commands', 'main\\.ts$'],
  ['cli'],
  ['new-book\\.ts$', 'serve-bank\\.ts$', 'upgrade-book\\.ts$', 'restore-book\\.ts$'],
  ['back-up-book\\.ts$'],
  ['app\\.ts$'],
  ['worker', 'inspection'],
  ['reconciliation'],
  ['billing', 'imports', 'sagas', 'transfers'],
  ['schedules'],
  ['charges'],
  ['retries', 'customers'],
  ['ledger', 'gateways', 'events', 'audit', 'archive'],
  ['storage'],
  ['config'],
  ['money', 'clock\\.ts$', 'ids\\.ts$', 'written-text\\.ts$', 'errors\\.ts$'],
];

// The pure bottom, whose parts may use each other (ids refuse with errors).
const BOTTOM = LAYERS[LAYERS.length - 1];

const source = (name) => `^src/${name.includes('\\.') ? name : `${name}/`}`;
const anyOf = (names) => names.map(source);

const noUpward = LAYERS.slice(1).map((layer, index) => ({
  name: `no-upward-${layer[0].replace(/\W.*/, '')}`,
  comment: 'Imports only go down.',
  severity: 'error',
  from: { path: anyOf(layer) },
  to: { path: LAYERS.slice(0, index + 1).flatMap(anyOf) },
}));

const noSideways = LAYERS.filter((layer) => layer !== BOTTOM && layer.length > 1).flatMap((layer) =>
  layer.map((name) => ({
    name: `no-sideways-${name.replace(/\W.*/, '')}`,
    comment: 'Siblings on one line do not import each other.',
    severity: 'error',
    from: { path: source(name) },
    to: { path: anyOf(layer.filter((sibling) => sibling !== name)) },
  })),
);

module.exports = {
  forbidden: [
    ...noUpward,
    ...noSideways,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'pure-bottom',
      comment: 'Money, clock, ids and errors do no input or output: of Node they use hashes, timers and require.',
      severity: 'error',
      from: { path: anyOf(BOTTOM) },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|module|timers/promises)$' },
    },
    {
      name: 'errors-import-nothing',
      severity: 'error',
      from: { path: '^src/errors\\.ts$' },
      to: { path: '^(src|migrations)/' },
    },
    {
      name: 'knex-only-in-stores',
      comment: 'Only storage/, the stores and app.ts touch knex; others hand on a Db.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/storage/', '-store\\.ts$', '^src/app\\.ts$'] },
      to: { path: 'node_modules/knex/' },
    },
    {
      name: 'oclif-only-in-cli',
      comment: 'What is below the CLI can be called by anything.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/commands/', '^src/cli/', '^src/main\\.ts$'] },
      to: { path: 'node_modules/(@oclif|inquirer|cli-table3|cli-progress)/' },
    },
    {
      name: 'no-test-code',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
