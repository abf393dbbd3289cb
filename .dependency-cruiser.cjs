/**
 * Who may import whom. The first table is about apps and libraries, the second about the suffixes inside a service,
 * where the suffix is the layer. Tests may import what they test and libs/testing.
 */
const LIBRARIES = ['contracts', 'event-sourcing', 'messaging', 'oauth', 'service', 'testing']
const SPEC = '\\.(spec|fixture|conformance)\\.ts$'

/** Libraries of ours that each may import; what is not named is forbidden. */
const MAY_IMPORT = {
  'apps/gateway': ['contracts', 'messaging', 'service'],
  'apps/identity': ['contracts', 'event-sourcing', 'messaging', 'oauth', 'service'],
  'apps/integrations': ['contracts', 'event-sourcing', 'messaging', 'service'],
  'apps/vault': ['contracts', 'event-sourcing', 'messaging', 'oauth', 'service'],
  // It reads two settings before there is any service.
  'apps/launcher': ['contracts', 'service'],
  // It asks the running house; of the service library it takes how a caller proves itself.
  'apps/cli': ['contracts', 'service'],
  // It shows the house from outside.
  'apps/demo': [],
  'libs/contracts': [],
  'libs/event-sourcing': ['contracts'],
  'libs/messaging': ['contracts', 'event-sourcing'],
  'libs/oauth': ['contracts'],
  'libs/service': ['contracts'],
}

const tables = Object.entries(MAY_IMPORT).map(([from, allowed]) => ({
  name: `${from.replace('/', '-')}-imports-only-${allowed.join('-') || 'no-library'}`,
  comment: 'architecture: who may import whom',
  severity: 'error',
  from: { path: `^${from}/`, pathNot: SPEC },
  to: {
    path: `^libs/(${LIBRARIES.filter((library) => !allowed.includes(library) && from !== `libs/${library}`).join('|')})/`,
  },
}))

const suffix = (name, from, to, comment) => ({
  name: `suffix-${name}`,
  comment,
  severity: 'error',
  from: { path: from, pathNot: SPEC },
  to,
})
/** Files with another suffix: which layer they are is what their name says. Files without one hold words and values. */
const LAYERS = [
  'events',
  'decider',
  'projection',
  'stream',
  'entity',
  'queries',
  'published',
  'controller',
  'module',
  'dto',
]
const layersBut = (...allowed) => ({
  path: `^apps/.*\\.(${LAYERS.filter((layer) => !allowed.includes(layer)).join('|')})\\.ts$`,
})
const SLICE = '^apps/([^/]+)/src/([^/]+)/'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...tables,
    {
      name: 'apps-never-import-apps',
      comment: 'What two apps need is a contract or a library.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/e2e/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'e2e-sees-the-house-from-outside',
      comment: 'It may use what starts the house and what the demo shows, never a service.',
      severity: 'error',
      from: { path: '^apps/e2e/' },
      to: { path: '^apps/', pathNot: '^apps/(e2e|launcher|demo)/' },
    },
    {
      name: 'libraries-never-import-apps',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/testing/' },
      to: { path: '^apps/' },
    },
    {
      name: 'testing-is-for-specs',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `${SPEC}|^apps/e2e/|^libs/testing/` },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'not-to-spec',
      comment: 'A spec is nobody’s library.',
      severity: 'error',
      from: { pathNot: SPEC },
      to: { path: '\\.spec\\.ts$' },
    },
    {
      name: 'no-circle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'not-to-undeclared-package',
      comment: 'A package that package.json does not name is there by accident.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '@jest/globals' },
    },
    suffix('events', '\\.events\\.ts$', layersBut('events'), 'Events are definitions.'),
    suffix('decider', '\\.decider\\.ts$', layersBut('events', 'decider'), 'Rules are pure: events and DomainError.'),
    suffix('projection', '\\.projection\\.ts$', layersBut('events', 'projection'), 'A projection knows its events.'),
    suffix('entity', '\\.entity\\.ts$', layersBut('entity', 'events'), 'Rows, nothing else.'),
    suffix(
      'queries',
      '\\.queries\\.ts$',
      layersBut('entity', 'queries', 'events'),
      'How rows are found, nothing else.',
    ),
    suffix(
      'published',
      '\\.published\\.ts$',
      layersBut('queries', 'entity', 'published'),
      'From private rows to public state.',
    ),
    suffix(
      'pure-packages',
      '\\.(decider|events|projection)\\.ts$',
      { dependencyTypes: ['npm'] },
      'Rules need no package: neither a framework nor a database.',
    ),
    suffix(
      'pure-libraries',
      '\\.(decider|events|projection)\\.ts$',
      { path: '^libs/', pathNot: '^libs/(contracts|event-sourcing)/' },
      'Rules know the contracts and how facts are kept.',
    ),
    suffix(
      'pure-built-ins',
      '\\.(decider|events)\\.ts$',
      { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|util|assert)$' },
      'Rules neither read files nor speak to anybody.',
    ),
    {
      name: 'slices-reach-sideways-through-queries',
      comment: 'One slice of a service sees of another what its queries show.',
      severity: 'error',
      from: { path: `${SLICE}.*\\.(events|decider|projection|entity|published)\\.ts$`, pathNot: SPEC },
      to: {
        path: `^apps/$1/src/[^/]+/.*\\.(${LAYERS.join('|')})\\.ts$`,
        pathNot: '^apps/$1/src/$2/|\\.queries\\.ts$',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|^dist' },
    exclude: { path: '^(dist|\\.nx|\\.data)/' },
    tsConfig: { fileName: 'tsconfig.spec.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    webpackConfig: { fileName: 'scripts/resolve-libraries.cjs' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
}
