import { defaultChunkBytes, manifestOf } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import type { MasterToMirror } from '@paravcl/shared/chunks/mirror-messages';
import { HandClock } from '../../test/it/hand-clock';
import { ImageSpreadRegistry, type OpenImage } from './image-spread-registry';
import { avoidedMs } from './peer-faults';
import { PeerKeys } from './peer-keys';
import { coalesceMs, type MirrorPresence } from './shared-image';

const chunks = 100;
const manifest = manifestOf({ chunkBytes: defaultChunkBytes, sizeBytes: chunks * defaultChunkBytes }, Buffer.alloc(chunks * hashBytes, 7));
const id = 'a'.repeat(64);
type Members = Extract<MasterToMirror, { type: 'members' }>;

class Mirror implements MirrorPresence {
  readonly heard: Members[] = [];

  constructor(
    readonly slaveId: string,
    readonly address: string,
    readonly port: number | null = 7000,
    readonly volunteer = false,
  ) {}

  send(message: MasterToMirror): void {
    if (message.type !== 'members') throw new Error(`nothing was expected of type ${message.type}`);
    this.heard.push(message);
  }

  ask(): never {
    throw new Error('nobody asks a mirror here');
  }

  cancel(): void {
    this.ask();
  }
}

let clock: HandClock;
let registry: ImageSpreadRegistry;
beforeEach(() => {
  clock = new HandClock();
  registry = new ImageSpreadRegistry({ clock, keys: new PeerKeys() });
});

function joined(mirror: Mirror): OpenImage {
  const open = registry.open(id, manifest, mirror, 1);
  if (open === null) throw new Error('it is open already');
  return open;
}
const near = (at: number): Mirror => new Mirror(`slave-${at}`, `10.0.0.${at}`);
const numbers = ({ set }: Members): number[] => set.map(({ number }) => number);
const ask = ({ image, member }: OpenImage, index: number, insist = false): readonly number[] | 'master' => {
  const who = image.asked(member, index, insist);
  return who.kind === 'master' ? 'master' : who.members;
};

test('the first is told at once that it is alone; those who come within a moment are told together', () => {
  const mirrors = [near(1), near(2), near(3), near(4)] as const;
  joined(mirrors[0]);
  expect(mirrors[0].heard).toMatchObject([{ self: 0, gone: [] }]);
  mirrors.slice(1).forEach(joined);
  expect(mirrors.map(({ heard }) => heard.length)).toEqual([1, 0, 0, 0]);
  clock.advance(coalesceMs);
  expect(mirrors.map(({ heard }) => heard.length)).toEqual([2, 1, 1, 1]);
  expect(mirrors[0].heard.map(numbers)).toEqual([[0], [1, 2, 3]]);
  expect(mirrors[3].heard.map(numbers)).toEqual([[0, 1, 2, 3]]);
});

test('nobody is told anything when nothing of its own changed', () => {
  const here = [near(1), near(2)] as const;
  const there = [new Mirror('slave-8', '10.0.8.1'), new Mirror('slave-9', '10.0.8.2')] as const;
  [...here, ...there].forEach(joined);
  clock.advance(coalesceMs);
  const before = there.map(({ heard }) => heard.length);
  joined(near(3));
  clock.advance(coalesceMs);
  expect(here[0].heard.at(-1)).toMatchObject({ set: [{ slaveId: 'slave-3' }], gone: [] });
  expect(there.map(({ heard }) => heard.length)).toEqual(before);
});

test('one that leaves is told as gone, and its number may mean another one later', () => {
  const [one, two, three] = [near(1), near(2), near(3)] as const;
  joined(one);
  const leaver = joined(two);
  clock.advance(coalesceMs);
  registry.close(leaver);
  clock.advance(coalesceMs);
  expect(one.heard.at(-1)).toMatchObject({ set: [], gone: [1] });
  joined(three);
  clock.advance(coalesceMs);
  expect(one.heard.at(-1)).toMatchObject({ set: [{ number: 1, slaveId: 'slave-3' }], gone: [] });
});

test('the master sends a chunk to the first who asks, and names that one to others', () => {
  const [one, two, three] = [near(1), near(2), near(3)].map(joined) as [OpenImage, OpenImage, OpenImage];
  clock.advance(coalesceMs);
  expect(ask(one, 7)).toBe('master');
  expect([ask(two, 7), ask(three, 7)]).toEqual([[0], [0]]);
  expect(ask(two, 7, true)).toBe('master');
  expect(ask(three, 7)).toHaveLength(2);
  // It asks: so it lacks it, whatever was sent to it.
  expect(ask(one, 7)).toEqual([1]);
});

test('what was not sent after all is nowhere', () => {
  const [one, two] = [near(1), near(2)].map(joined) as [OpenImage, OpenImage];
  expect(ask(one, 7)).toBe('master');
  one.image.unsent(one.member, 7);
  expect(ask(two, 7)).toBe('master');
});

test('what a mirror had when it came counts, until it leaves', () => {
  const [full, asker] = [near(1), near(2)].map(joined) as [OpenImage, OpenImage];
  full.member.chunks.replace('all');
  expect(ask(asker, 99)).toEqual([0]);
  registry.close(full);
  expect(ask(asker, 98)).toBe('master');
});

test('those who have a chunk are named in turn', () => {
  const all = Array.from({ length: 6 }, (_, at) => joined(near(at + 1)));
  const [asker, ...full] = all as [OpenImage, ...OpenImage[]];
  for (const { member } of full) member.chunks.replace('all');
  clock.advance(coalesceMs);
  const first = Array.from({ length: 50 }, (_, index) => ask(asker, index)).map((named) => named[0]);
  for (const { member } of full) expect(first.filter((number) => number === member.number)).toHaveLength(10);
});

test('one in another network is told, in no tier of the trees, before it is named', () => {
  const [here, beside, there, beyond] = [near(1), near(2), new Mirror('slave-8', '10.0.8.1'), new Mirror('slave-9', '10.0.8.2')] as const;
  const asker = joined(here);
  joined(beside);
  const holder = joined(there);
  joined(beyond);
  clock.advance(coalesceMs);
  const before = here.heard.length;
  expect(ask(holder, 5)).toBe('master');
  expect(ask(asker, 5)).toEqual([2]);
  expect(here.heard.slice(before)).toMatchObject([{ set: [{ number: 2, slaveId: 'slave-8', weight: 0 }], gone: [] }]);
  expect(ask(asker, 5)).toEqual([2]);
  expect(here.heard).toHaveLength(before + 1);
});

test('one that serves nobody is told the others and is told to nobody', () => {
  const [one, mute] = [near(1), new Mirror('slave-2', '10.0.0.2', null)] as const;
  const server = joined(one);
  const asker = joined(mute);
  clock.advance(coalesceMs);
  expect(mute.heard).toMatchObject([{ self: null, set: [{ number: 0 }] }]);
  expect(one.heard).toHaveLength(1);
  expect(ask(asker, 1)).toBe('master');
  expect(ask(server, 1)).toBe('master');
});

test('one that gave wrong bytes is gone for everybody, itself included', () => {
  const [one, two, liar] = [near(1), near(2), near(3)] as const;
  const [first, , last] = [one, two, liar].map(joined) as [OpenImage, OpenImage, OpenImage];
  clock.advance(coalesceMs);
  expect(ask(last, 3)).toBe('master');
  expect(registry.report('slave-2', 'slave-3', id, 'wrong-bytes')).toBe(true);
  clock.advance(coalesceMs);
  expect([one, two].map(({ heard }) => heard.at(-1)?.gone)).toEqual([[2], [2]]);
  expect(liar.heard.at(-1)).toMatchObject({ self: null, gone: [2] });
  expect(ask(first, 3)).toBe('master');
});

test('who does not have the image open accuses nobody of it', () => {
  joined(near(1));
  expect(registry.report('slave-9', 'slave-1', id, 'wrong-bytes')).toBe(false);
});

test('one accuses only those it was told of, also when it is no longer told of them', () => {
  const [one, two, mute] = [near(1), near(2), new Mirror('slave-3', '10.0.0.3', null)] as const;
  const [first] = [one, two, mute].map(joined) as [OpenImage, OpenImage, OpenImage];
  clock.advance(coalesceMs);
  expect(registry.report('slave-2', 'slave-3', id, 'wrong-bytes')).toBe(false);
  registry.close(first);
  clock.advance(coalesceMs);
  expect(two.heard.at(-1)?.gone).toEqual([0]);
  expect(registry.report('slave-2', 'slave-1', id, 'wrong-bytes')).toBe(true);
});

test('one whom a volunteer alone accuses is told again after a minute', () => {
  const [volunteer, other] = [new Mirror('slave-1', '10.0.0.1', 7000, true), near(2)] as const;
  [volunteer, other, near(3)].forEach(joined);
  clock.advance(coalesceMs);
  expect(registry.report('slave-1', 'slave-2', id, 'wrong-bytes')).toBe(false);
  clock.advance(coalesceMs);
  expect(other.heard.at(-1)).toMatchObject({ self: null });
  clock.advance(avoidedMs + coalesceMs);
  expect(other.heard.at(-1)).toMatchObject({ self: 1 });
});

test('keys are made anew before they end', () => {
  const [one, two] = [near(1), near(2)] as const;
  [one, two].forEach(joined);
  clock.advance(coalesceMs);
  const identities = (mirror: Mirror): string[] => mirror.heard.flatMap(({ set }) => set).filter(({ number }) => number === 1).map(({ identity }) => identity);
  expect(identities(one)).toHaveLength(1);
  clock.advance(13 * 3_600_000);
  expect(new Set(identities(one)).size).toBe(2);
});

test('an image that nobody has open any more is forgotten, and nobody hears of it again', () => {
  const mirrors = [near(1), near(2)];
  const open = mirrors.map(joined);
  open.forEach((one) => registry.close(one));
  expect(registry.find(id)).toBeNull();
  const heard = mirrors.map((mirror) => mirror.heard.length);
  clock.advance(30 * 3_600_000);
  expect(mirrors.map((mirror) => mirror.heard.length)).toEqual(heard);
});

test('a manifest of one part goes from the master to the first who asks, and from each to four others', () => {
  const opens = [1, 2, 3, 4, 5, 6, 7].map((at) => joined(near(at)));
  clock.advance(coalesceMs);
  const asked = opens.map(({ image, member }) => image.askedManifest(member, false));
  expect(asked.map((who) => (who.kind === 'master' ? 'master' : who.members[0]))).toEqual(['master', 0, 0, 0, 0, 1, 1]);
});

test('one who could not get the manifest from another, or whose other is gone, gets it from somebody else', () => {
  const opens = [1, 2, 3].map((at) => joined(near(at)));
  clock.advance(coalesceMs);
  for (const { image, member } of opens) image.askedManifest(member, false);
  const [first, second, third] = opens;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three joined');
  expect(third.image.askedManifest(third.member, true)).toEqual({ kind: 'master' });
  registry.close(first);
  expect(second.image.askedManifest(second.member, false)).toEqual({ kind: 'others', members: [2] });
});
