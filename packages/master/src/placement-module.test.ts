import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config-file';
import { placementPolicies, type Placeable } from './core/rank';
import type { SlaveView } from './core/snapshot';
import { chosenPlacement } from './placement-module';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'paravcl-placement-'))));
afterEach(() => rmSync(directory, { recursive: true }));

let written = 0;
function moduleFile(source: string, mode = 0o644): string {
  const path = join(directory, `policy-${String(++written)}.js`);
  writeFileSync(path, source);
  chmodSync(path, mode);
  return path;
}

function faultOf(file: string): string {
  try {
    chosenPlacement(`module:${file}`);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n');
    throw error;
  }
  throw new Error('the module was accepted');
}

const byId = 'const compare = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);\n';
const room = (vcpus: number) => ({ vcpus, ramMiB: 1024, diskMiB: 1024, bandwidthMbps: 0 });
const slave = (id: string, name: string): SlaveView => ({
  id, name, kind: 'dedicated', contributing: false, registeredAt: 0, admission: 'approved', liveness: 'online', connected: true, hypervisor: { usable: true, why: 'KVM runs guests' },
  troubles: [], clockWrong: null, capacity: room(8), poolAvailableMiB: 1024, promised: room(0), running: [], bookings: [], saveMiBPerSecond: 40,
});
const instance: Placeable = { type: 'BE', groupId: null, need: room(1) };

test('a policy of ParaVCL is chosen by its name', () => {
  expect(chosenPlacement('greedy')).toBe(placementPolicies.greedy);
});

test('the documented example fills machines in the order of the numbers in their names', () => {
  const policy = chosenPlacement(`module:${join(__dirname, '../../../docs/examples/placement-by-name.js')}`);
  const slaves = [slave('1', 'pc-10'), slave('2', 'pc-2'), slave('4', 'pc-2'), slave('3', 'pc-1')];
  const world = { slaves, lastPlacedOn: null };
  const ranked = [...slaves].sort((a, b) => policy.compare(a, b, instance, world));
  expect(policy.name).toBe('by-name');
  expect(ranked.map(({ id }) => id)).toEqual(['3', '2', '4', '1']);
  expect(ranked.map((each) => policy.score(each, instance, world))).toEqual([0, 1, 2, 3].map((before) => ({ score: before, parts: { before } })));
});

test('a module without a score is scored by how many slaves it finds better', () => {
  const policy = chosenPlacement(`module:${moduleFile(`${byId}module.exports = { name: 'by-id', compare };`)}`);
  const slaves = [slave('1', 'a'), slave('2', 'b')];
  expect(slaves.map((each) => policy.score(each, instance, { slaves, lastPlacedOn: null }))).toEqual([{ score: 0, parts: { better: 0 } }, { score: 1, parts: { better: 1 } }]);
});

test('what a module is given is frozen to the bottom, and nothing of the scheduler\'s own', () => {
  const policy = chosenPlacement(`module:${moduleFile(`${byId}
    const frozen = (value) => typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    module.exports = { name: 'looks', compare, score: (...given) => ({ score: 0, parts: { frozen: given.every(frozen) ? 1 : 0 } }) };`)}`);
  const one = slave('1', 'a');
  const world = { slaves: [one], lastPlacedOn: null };
  expect(policy.score(one, instance, world).parts).toEqual({ frozen: 1 });
  expect([one, one.promised, world.slaves, instance].some((value) => Object.isFrozen(value))).toBe(false);
});

describe('at the start it is refused, naming the file and what is wrong', () => {
  test('a file that is not there', () => {
    expect(faultOf('/nonexistent/policy.js')).toMatch(/^placement\.policy: \/nonexistent\/policy\.js cannot be read \(ENOENT/);
  });

  test('a directory', () => {
    expect(faultOf(directory)).toBe(`placement.policy: ${directory} is not a file.`);
  });

  test('a file that everybody may change', () => {
    const file = moduleFile(`${byId}module.exports = { name: 'by-id', compare };`, 0o666);
    expect(faultOf(file)).toBe(`placement.policy: ${file} can be changed by every user of this machine, who could make the master do anything; run: chmod o-w ${file}.`);
  });

  test('a file in a directory where everybody may replace it', () => {
    const open = join(directory, 'open');
    mkdirSync(open);
    const file = join(open, 'policy.js');
    writeFileSync(file, `${byId}module.exports = { name: 'by-id', compare };`);
    chmodSync(open, 0o777);
    expect(faultOf(file)).toBe(`placement.policy: ${file} can be replaced by every user of this machine, because ${open} is open to all; run: chmod o-w ${open}.`);
  });

  test.each<[string, string, RegExp]>([
    ['what is no program', 'module.exports = {', /cannot be loaded as a CommonJS module \(/],
    ['what throws when it is loaded', 'throw new Error("no licence");', /cannot be loaded as a CommonJS module \(no licence\)/],
    ['what exports nothing', '', /must export \{ name, compare.*\}: name must be a text; compare must be a function/],
    ['what exports no object', 'module.exports = 7;', /must export \{ name, compare/],
    ['a compare that is no function', 'module.exports = { name: "x", compare: 1 };', /: compare must be a function\.$/],
    ['a score that is no function', `${byId}module.exports = { name: 'x', compare, score: {} };`, /: score must be a function\.$/],
    ['a name with a slash', `${byId}module.exports = { name: 'a/b', compare };`, /: name must be lower-case letters/],
    ['the name of one of ours', `${byId}module.exports = { name: 'para', compare };`, /: name is that of a policy of ParaVCL/],
    ['a compare that does not tell two hosts apart', 'module.exports = { name: "x", compare: (a, b) => a.promised.vcpus - b.promised.vcpus };', /compare is 0 for slave-1 and slave-2, which are two/],
    ['a compare that answers the same both ways', 'module.exports = { name: "x", compare: (a, b) => (a.id === b.id ? 0 : -1) };', /finds slave-1 and slave-2 each better, or each worse, than the other/],
    ['a compare that is never content', 'module.exports = { name: "x", compare: () => 1 };', /compare\(a, a\) is not 0 for slave-1/],
    ['a compare that goes in a circle', 'const n = (s) => Number(s.id.slice(-1)); module.exports = { name: "x", compare: (a, b) => { const d = (n(a) - n(b) + 7) % 7; return d === 0 ? 0 : d <= 3 ? 1 : -1; } };', /compare goes in a circle: /],
    ['a compare that throws dice', 'let n = 0; module.exports = { name: "x", compare: (a, b) => (a.id === b.id ? 0 : ++n % 2 ? 1 : -1) };', /compare answers twice differently about slave-1 and slave-2/],
    ['a compare without an answer', 'module.exports = { name: "x", compare: () => undefined };', /fails on sample hosts \(The placement module .* must answer with a number from compare, not undefined/],
    ['a promise', 'module.exports = { name: "x", compare: async () => 1 };', /must answer with a number from compare, not \[object Promise\]/],
    ['a module that writes to what it is given', '"use strict"; module.exports = { name: "x", compare: (a) => { a.name = "mine"; return 0; } };', /fails on sample hosts \(.*read only property 'name'/],
    ['a module that sorts what it is given', 'module.exports = { name: "x", compare: (a, b, i, world) => { world.slaves.reverse(); return 0; } };', /fails on sample hosts \(.*read only property/],
    ['a score of no number', `${byId}module.exports = { name: 'x', compare, score: () => ({ score: 'good' }) };`, /must answer with \{ score, parts \} of finite numbers from score/],
    ['a score that contradicts compare', `${byId}module.exports = { name: 'x', compare, score: (s) => ({ score: -Number(s.id.slice(-1)), parts: {} }) };`, /score\(slave-1\) is -1 and score\(slave-2\) is -2, though compare finds slave-1 better/],
  ])('%s', (_what, source, expected) => {
    const file = moduleFile(source);
    expect(faultOf(file)).toMatch(expected);
    expect(faultOf(file)).toContain(file);
  });
});

test.each([
  ['a compare', 'module.exports = { name: "x", compare: () => { for (;;); } };'],
  ['a score', `${byId}module.exports = { name: 'x', compare, score: () => { for (;;); } };`],
  ['a module, when it is loaded,', 'for (;;);'],
])('%s that loops is stopped at the deadline', (_what, source) => {
  const file = moduleFile(source);
  expect(() => chosenPlacement(`module:${file}`, 500)).toThrow(`placement.policy: ${file} does not come to an end on sample hosts within 0.5 s: look for a loop without an end in it.`);
});

test('an answer that is wrong later is an error that names the file', () => {
  const file = moduleFile(`module.exports = { name: 'x', compare: (a, b) => (a.id === 'bad' ? NaN : a.id < b.id ? -1 : a.id > b.id ? 1 : 0) };`);
  const policy = chosenPlacement(`module:${file}`);
  expect(() => policy.compare(slave('bad', 'a'), slave('b', 'b'), instance, { slaves: [], lastPlacedOn: null })).toThrow(`The placement module ${file} must answer with a number from compare, not NaN.`);
});
