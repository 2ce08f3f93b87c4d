/**
 * A short recovery run: each of the four daemons killed, one stopped, a link cut, in the middle of what people asked for,
 * judged by the same checker as the long one (`npm run test:system`). The seed is fixed: what is drawn is the same each time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import type { Aim } from '@paravcl/workbench/recovery/fault-plan';
import { runRecovery } from '@paravcl/workbench/recovery/recovery-run';

jest.setTimeout(10 * 60_000);

const first: readonly Aim[] = [
  { kind: 'kill-agent', stage: 'preparing' },
  { kind: 'kill-master', stage: 'booting' },
  { kind: 'kill-mariadbd', stage: 'suspending' },
  { kind: 'kill-libvirtd', stage: 'resuming' },
  { kind: 'stop-agent', stage: 'stopping' },
  { kind: 'cut-link', stage: 'deleting' },
  { kind: 'torn-journal', stage: null },
  { kind: 'stale-master', stage: null },
  { kind: 'lose-answers', stage: null },
  { kind: 'stop-libvirtd', stage: 'booting' },
  { kind: 'half-open-link', stage: null },
  { kind: 'stop-mariadbd', stage: null },
];

let stateDir: string;
beforeEach(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes hosts of its own: run it with npm test, inside a private host.');
  stateDir = await mkdtemp('/var/tmp/pvrec-');
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

test('a site whose daemons and links die in the middle of everything comes to rest whole, each request done once', async () => {
  const lines: string[] = [];
  const outcome = await runRecovery({
    stateDir,
    seed: 20_141_120,
    faults: first.length,
    hosts: 3,
    first,
    perRound: first.length,
    requiredPaths: ['torn-tail-cut', 'duplicate-answered', 'stale-generation-refused'],
    // What the aimed faults cannot do without; a resume may be a start, and a stop be overtaken by a deletion.
    requiredAsks: ['launch', 'suspend', 'delete'],
    requireCells: false,
    say: (line) => lines.push(line),
  });
  // The whole log of the run is worth reading when something is found.
  expect({ violations: outcome.violations, log: outcome.violations.length === 0 ? [] : lines }).toEqual({ violations: [], log: [] });
  // What was aimed at a stage met it, on the host that has the instance.
  expect(outcome.faults.map(({ kind, stage }) => ({ kind, stage }))).toEqual(first);
});
