import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFile, ConfigError, loadConfig, optionNames } from './config-file';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'paravcl-config-'))));
afterEach(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode });
  return path;
}

function faultsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

test('without a file the defaults of the definitions hold', () => {
  const config = loadConfig(null, {});
  expect(config).toMatchObject({
    stateDir: '/var/lib/paravcl',
    listen: { host: '0.0.0.0', port: 8443 },
    publicUrl: `https://${hostname()}:8443`,
    network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 },
    fleet: { heartbeatSeconds: 5, suspectAfterSeconds: 15, lostAfterSeconds: 60, addressCheck: 'warn' },
    login: { failuresPerAccount: 10, accountWindowMinutes: 15, failuresPerAddressPerMinute: 300 },
    deadlines: { preparingMinutes: 15, bootingMinutes: 5, suspendingMinutes: 5, resumingMinutes: 5, stoppingMinutes: 2 },
    retention: { commandsDays: 30, operationsDays: 30, oneTimeTokensDays: 1, eventsDays: 365, deletedInstancesDays: 90, decisionsDays: 90, decisionInputsDays: 14, noticesDays: 90 },
    placement: { policy: 'para', ordering: 'para', criticalLimitPercent: 5, coreOvercommit: 1, startingPerSlave: 4 },
    logLevel: 'info',
  });
  expect(config.database.dsn).toBeUndefined();
});

test('the file that is named is read, else the default one when it is there', () => {
  const path = file('master.yaml', 'site: { name: Lab }\n');
  expect(configFile('/other.yaml', path)).toBe('/other.yaml');
  expect(configFile(undefined, path)).toBe(path);
  expect(configFile(undefined, join(directory, 'none.yaml'))).toBeNull();
  expect(configFile(undefined, join(path, 'beneath-a-file.yaml'))).not.toBeNull();
});

test('the environment lies over the file, with text as text and numbers as numbers', () => {
  const path = file('master.yaml', 'listen: { port: 9000, host: 127.0.0.1 }\nsite:\n  name: Lab\n');
  const config = loadConfig(path, {
    PARAVCL_MASTER_LISTEN_PORT: '9001',
    PARAVCL_MASTER_SITE_NAME: '2024',
    PARAVCL_MASTER_TLS_NAMES: '[lab.example, 192.0.2.1]',
    PARAVCL_MASTER_PUBLIC_URL: 'https://lab.example/',
    PARAVCL_MASTER_UPLOADS_MAX_GIB: '1.5',
    PATH: '/bin',
  });
  expect(config.listen).toEqual({ port: 9001, host: '127.0.0.1' });
  expect(config.site.name).toBe('2024');
  expect(config.tls.names).toEqual(['lab.example', '192.0.2.1']);
  expect(config.uploads.maxGiB).toBe(1.5);
  expect(config.publicUrl).toBe('https://lab.example');
});

test('all faults come at once, each with its option and limit', () => {
  const path = file(
    'master.yaml',
    `
listen: { port: 70000 }
lissten: {}
tls: { certFile: cert.pem, names: ["a b"] }
network: { cidr: 8.8.0.0/16, bridge: "bridge name" }
fleet: { heartbeatSeconds: 20, suspectAfterSeconds: 15 }
sessions: { idleMinutes: 0 }
site: { timeZone: Mars/Olympus }
placement: { criticalLimitPercent: half }
database: { passwordFile: /nonexistent }
`,
  );
  const faults = faultsOf(() => loadConfig(path, { PARAVCL_MASTER_LISSTEN_PORT: '1' }));
  for (const expected of [
    /^PARAVCL_MASTER_LISSTEN_PORT: there is no such option/,
    /^lissten: there is no such option/,
    /^listen\.port: .*65535/,
    /^tls\.certFile: must be an absolute path/,
    /^tls\.names\.0: must be a host name/,
    /^network\.cidr: must be private: inside 10\.0\.0\.0\/8/,
    /^network\.bridge: /,
    /^fleet: heartbeatSeconds must be below suspectAfterSeconds/,
    /^sessions\.idleMinutes: .*5/,
    /^site\.timeZone: must be an IANA time zone/,
    /^placement\.criticalLimitPercent: /,
    /^database: passwordFile and caFile belong to a dsn/,
  ]) {
    expect(faults).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
  }
});

test.each([
  ['mysql://lab:secret@db/paravcl', /must not hold the password/],
  ['postgres://lab@db/paravcl', /must begin with mysql:\/\//],
  ['mysql://db/paravcl', /must name the user/],
  ['mysql://lab@db', /must name the database/],
  ['mysql://lab@db/paravcl?ssl=off', /may only be followed by \?socket=/],
  ['lab@db', /must be mysql:\/\/user@host:port\/database/],
])('the DSN %s is refused with the way out, and a password in it is not repeated', (dsn, expected) => {
  const faults = faultsOf(() => loadConfig(null, { PARAVCL_MASTER_DATABASE_DSN: dsn }));
  expect(faults.join('\n')).toMatch(expected);
  expect(faults.join('\n')).not.toContain('secret');
});

test.each([
  ['10.77.0.5/16', /must begin at the network's first address: 10\.77\.0\.0\/16/],
  ['10.77.0.0/30', /between \/8 and \/29/],
  ['fd00::/64', /must be an IPv4 network/],
])('the network %s is refused', (cidr, expected) => {
  expect(faultsOf(() => loadConfig(null, { PARAVCL_MASTER_NETWORK_CIDR: cidr })).join()).toMatch(expected);
});

test('a smaller network gives its own gateway', () => {
  expect(loadConfig(null, { PARAVCL_MASTER_NETWORK_CIDR: '192.168.7.64/26' }).network).toMatchObject({ gateway: '192.168.7.65', prefix: 26 });
});

test('a secret that everybody may read is refused with the command that mends it; a missing one is named', () => {
  const token = file('token', 'x', 0o644);
  expect(faultsOf(() => loadConfig(null, { PARAVCL_MASTER_METRICS_TOKEN_FILE: token }))).toEqual([
    `metrics.tokenFile: ${token} is open to every user of this machine; run: chmod o= ${token}`,
  ]);
  const mail = { PARAVCL_MASTER_MAIL_HOST: 'mail.example', PARAVCL_MASTER_MAIL_FROM: 'lab@example', PARAVCL_MASTER_MAIL_USER: 'paravcl', PARAVCL_MASTER_MAIL_PASSWORD_FILE: token };
  expect(faultsOf(() => loadConfig(null, mail))).toEqual([`mail.passwordFile: ${token} is open to every user of this machine; run: chmod o= ${token}`]);
  expect(faultsOf(() => loadConfig(null, { PARAVCL_MASTER_METRICS_TOKEN_FILE: '/nonexistent' }))).toEqual([
    expect.stringMatching(/^metrics\.tokenFile: \/nonexistent cannot be read \(ENOENT/),
  ]);
});

test('broken YAML is reported with its line, a missing file with its name', () => {
  const path = file('master.yaml', 'listen:\n  port: [1\nsite: {}\n');
  expect(faultsOf(() => loadConfig(path, {}))[0]).toMatch(/master\.yaml line \d/);
  expect(faultsOf(() => loadConfig('/nonexistent.yaml', {}))[0]).toMatch(/^\/nonexistent\.yaml: ENOENT/);
});

test('a fault is told in words, not in those of a schema', () => {
  expect(faultsOf(() => loadConfig(null, { PARAVCL_MASTER_RESERVATIONS_MIN_HOURS: '0', PARAVCL_MASTER_RESERVATIONS_STEP_MINUTES: 'x', PARAVCL_MASTER_PLACEMENT_ORDERING: 'lifo' }))).toEqual([
    'placement.ordering: must be one of para, fifo.',
    'reservations.stepMinutes: must be a number.',
    'reservations.minHours: at least a minute, which is 0.017.',
  ]);
});

test('the example file holds the defaults and names every option', () => {
  const example = join(__dirname, '../paravcl-master.example.yaml');
  expect(loadConfig(example, {})).toEqual(loadConfig(null, {}));
  const text = readFileSync(example, 'utf8');
  const unnamed = optionNames().filter((name) => !new RegExp(`^[# ]*${name}:`, 'm').test(text));
  expect(optionNames().length).toBeGreaterThan(30);
  expect(unnamed).toEqual([]);
});
