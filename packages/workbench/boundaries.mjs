/**
 * The rules of who may import whom, as data, and the checks that need no types. See docs/architecture.md for the
 * picture. A rule that must change is changed here, with its reason, in the same commit as the code.
 */

/** What a package may take from outside itself. Tests may use any npm package. */
export const packages = {
  shared: { packages: [], npm: ['zod', 'uuid'], node: false },
  master: { packages: ['shared'] },
  slave: { packages: ['shared'] },
  // Runs in browsers: of the others' code only what has no schema in it, so that no validator is sent along.
  portal: { packages: ['shared'], node: false, atRuntime: ['@paravcl/shared/api/sockets', '@paravcl/shared/client/'] },
  // Talks to masters over their API alone.
  cli: { packages: ['shared'] },
  // Of the master what decides, and nothing that runs: a simulation asks the same core (docs/simulation.md).
  workbench: { packages: ['shared', 'master'], parts: { master: ['@paravcl/master/core/'] } },
};

/** Further packages that tests below a directory may import. */
export const testPackages = [
  { below: 'packages/master/test/system/', packages: ['slave', 'workbench'] },
  { below: 'packages/master/test/', packages: ['workbench'] },
  { below: 'packages/slave/test/', packages: ['workbench'] },
  // A command line against a whole master.
  { below: 'packages/cli/test/', packages: ['master', 'workbench'] },
  // The sender and the door of frozen disks, against each other.
  { below: 'packages/master/test/it/delta-upload.test.ts', packages: ['slave'] },
  // Both ends of a stream, with the master's between them.
  { below: 'packages/master/test/it/agent-streams.test.ts', packages: ['slave'] },
  { below: 'packages/master/test/it/console-rig.ts', packages: ['slave'] },
];

/**
 * Directories of the master and which others each may import: repositories ← services ← edges ← main. `db` and
 * `repositories` stand beside each other: the unit of work gathers the repositories, they use its connection.
 * Files directly in src/ put the daemon together and see everything; of them the directories see the leaves only.
 */
export const masterLayers = {
  core: [],
  db: ['core', 'repositories'],
  repositories: ['core', 'db'],
  services: ['core', 'db', 'repositories', 'store'],
  store: ['core'],
  tls: [],
  http: ['services', 'repositories', 'db', 'ws', 'tls'],
  ws: ['services', 'repositories', 'db', 'http', 'tls'],
  // The hosts' mirrors: their door, and the chunks they are sent.
  mirrors: ['core', 'services', 'store', 'http', 'tls'],
  ssh: ['core', 'services', 'repositories', 'db', 'tls'],
  jobs: ['core', 'services', 'repositories', 'db'],
  mail: ['services', 'repositories', 'db'],
};

/** What those above the repositories see of `db`: these names of these files (null: all). */
export const seenOfDb = new Map([
  ['packages/master/src/db/unit-of-work.ts', null],
  // Whether a write met a unique key: the service knows which sentence that deserves.
  ['packages/master/src/db/connection.ts', ['isDuplicateKey']],
]);

/** Files directly in the master's src/ that everything may import, and that import only each other and shared. */
export const masterLeaves = new Set(['config', 'config-aging', 'config-fabric', 'config-file', 'config-gateway', 'config-host-installs', 'config-images', 'config-people', 'config-portal', 'config-presets', 'config-public', 'config-reservations', 'config-scheduling', 'config-ssh', 'config-values', 'log', 'site-network', 'state-lock'].map((name) => `packages/master/src/${name}.ts`));

/** Files of any package that see everything and that only files beside them import. */
export const compositionRoot = /^packages\/[^/]+\/src\/(main|compose[a-z-]*|[a-z-]+-command)\.tsx?$/;

/** Values in, values out: no clock, no random, no waiting, no I/O. */
export const pureFiles = /^packages\/(master\/src\/core\/.+|slave\/src\/agent\/(reconcile|plan|towards-[a-z-]+|ended-by-itself|failed-launch|disk-error|removal|failures|instance-end|journal-state)|slave\/src\/public\/(wanted-mappings|judge-mappings|public-rules))\.ts$/;
/** Calendars and zones: given a moment and a zone it only calculates. */
export const purePackages = new Set(['luxon']);
export const impureNames = new Set([
  'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'process', 'fetch', 'crypto', 'require', 'console',
]);
export const impureMembers = new Set(['DateTime.now', 'DateTime.local', 'DateTime.utc', 'Settings.now', 'Date.now', 'Math.random', 'performance.now', 'crypto.randomUUID', 'crypto.getRandomValues']);

/** The database library stays in these directories (and in tests of them). */
export const databaseLibraries = new Set(['knex', 'mysql2']);
export const databaseFiles = /^packages\/(master\/(src\/(db|repositories)\/|src\/compose\.ts$|test\/)|workbench\/src\/recovery\/read-books\.ts$)/;

/** The only files that start programs. Each wraps one tool or one way of starting; the rest of the code calls these. */
export const programStarters = new Set([
  'packages/cli/src/ssh/start-ssh.ts',
  'packages/master/src/db/mariadb-data-directory.ts',
  'packages/master/src/db/mariadb-process.ts',
  'packages/master/src/state-lock.ts',
  'packages/master/src/store/caged-program.ts',
  'packages/slave/src/state-lock.ts',
  'packages/master/src/tell-systemd.ts',
  'packages/master/src/tls/site-ca.ts',
  'packages/slave/src/describe/run-tool.ts',
  'packages/slave/src/disks/disk-tool.ts',
  'packages/slave/src/hypervisor/libvirt/virsh.ts',
  'packages/workbench/bootstrap.mjs',
  'packages/workbench/src/private-host/private-host.ts',
  'packages/workbench/src/bench/fleet-orders.ts',
  'packages/workbench/src/bench/multideploy/replay-orders.ts',
  'packages/workbench/src/bench/multideploy/started-program.ts',
  'packages/workbench/src/bench/multisnapshot/bundled-program.ts',
  'packages/workbench/src/bench/report.ts',
  'packages/workbench/src/lab/lab-life.ts',
  'packages/workbench/src/lab/namespaces.ts',
  'packages/workbench/src/process/daemon.ts',
  'packages/workbench/src/process/run-program.ts',
  'packages/workbench/src/test-run/run-suite.ts',
]);

/** The SSH library stays at the gateway and at what is done to hosts (and in tests of them, those of the command line too). */
export const sshLibraries = new Set(['ssh2']);
export const sshFiles = /^packages\/(master\/(src\/ssh|test)|cli\/test)\//;

export const vagueName = /(^|[-.])(utils?|helpers?|common|misc)$/;

/** Fewer files than this below a directory means that the check looked in the wrong place. */
export const leastFiles = {
  'packages/shared/src/': 20,
  'packages/master/src/': 50,
  'packages/master/src/core/': 5,
  'packages/slave/src/': 30,
  'packages/workbench/src/': 10,
  'migrations/': 10,
};
