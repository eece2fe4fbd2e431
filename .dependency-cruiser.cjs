/**
 * Which room of cli/src may import which. docs/architecture.md describes the rooms; `npm run check:imports` checks this.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const room = (...names) => `^cli/src/(${names.join('|')})/`;

module.exports = {
  forbidden: [
    { name: 'no-circular-imports', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-cli-and-terminal-import-commands',
      severity: 'error',
      from: { path: '^cli/src/', pathNot: room('cli', 'terminal', 'commands') },
      to: { path: room('commands') },
    },
    {
      name: 'only-cli-imports-terminal',
      severity: 'error',
      from: { path: '^cli/src/', pathNot: room('cli', 'terminal') },
      to: { path: room('terminal') },
    },
    {
      name: 'only-main-imports-cli',
      severity: 'error',
      from: { path: '^cli/src/', pathNot: '^cli/src/(main\\.ts$|cli/)' },
      to: { path: room('cli') },
    },
    {
      name: 'config-imports-no-other-room',
      severity: 'error',
      from: { path: room('config') },
      to: { path: '^cli/src/', pathNot: room('config') },
    },
    {
      name: 'the-product-imports-no-tests',
      severity: 'error',
      from: { path: '^cli/(src|model-tests)/' },
      to: { path: '^(cli/test|bench)/' },
    },
    {
      name: 'every-import-resolves',
      severity: 'error',
      from: {},
      // These two are types only, in packages under @types.
      to: { couldNotResolve: true, pathNot: '^(geojson|topojson-specification)$' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
