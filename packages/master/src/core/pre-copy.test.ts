import type { ImageHolding, PreCopy } from '@paravcl/shared/chunks/mirror-messages';
import fc from 'fast-check';
import { holdingSentence, readinessSentence } from './explain-readiness';
import { mostWanted, planPreCopy, type ComingGuests, type HostStanding, type PreCopyPolicy, type PreCopyWorld } from './pre-copy';

const hourMs = 3_600_000;
const now = Date.parse('2026-03-02T08:00:00.000Z');
const at = (hours: number): number => now + hours * hourMs;
const [ubuntu, debian, linux, initrd] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64)) as [string, string, string, string];
const policy: PreCopyPolicy = { enabled: true, what: 'boot-set', leadMinutes: 120 };

const holding = (manifest: string, presentChunks: number, presentBootChunks = 0, totalBootChunks = 10): ImageHolding => ({ manifest, presentChunks, totalChunks: 100, presentBootChunks, totalBootChunks, complete: presentChunks === 100 });
const host = (images: readonly ImageHolding[] = [], facts: Partial<HostStanding> = {}): HostStanding => ({ connected: true, images, poolFull: false, ...facts });
const guests = (id: string, hours: number, slaveIds: readonly string[], facts: Partial<ComingGuests> = {}): ComingGuests => ({ id, kind: 'reservation', start: at(hours), slaveIds, content: { disk: ubuntu, kernel: null, ramdisk: null }, ...facts });
const world = (coming: readonly ComingGuests[], facts: Partial<PreCopyWorld> = {}): PreCopyWorld => ({ policy, coming, standings: new Map(), bootKnown: new Set([ubuntu, debian]), ...facts });
const wantedOn = (slaveId: string, facts: PreCopyWorld) => planPreCopy(facts, now).wanted.get(slaveId) ?? [];
const standsOf = (id: string, facts: PreCopyWorld) => [...(planPreCopy(facts, now).readiness.get(id)?.values() ?? [])];

describe('what a slave is to have ahead of need', () => {
  it('is what is booked on it, from the lead before the start on', () => {
    const coming = [guests('r1', 2, ['lab-1', 'lab-1']), guests('r2', 2.1, ['lab-2'])];
    expect(wantedOn('lab-1', world(coming))).toEqual([{ manifest: ubuntu, what: 'boot-set', dueAt: at(2), for: ['r1'] }]);
    expect(wantedOn('lab-2', world(coming))).toEqual([]);
  });

  it('is still so once the window has begun: who comes late needs it too', () => {
    expect(wantedOn('lab-1', world([guests('r1', -1, ['lab-1'])]))).toMatchObject([{ manifest: ubuntu, dueAt: at(-1) }]);
  });

  it('is in the order in which it is due, kernels and ramdisks first and whole', () => {
    const content = { disk: ubuntu, kernel: linux, ramdisk: initrd };
    const coming = [guests('r1', 2, ['lab-1'], { content }), guests('r2', 1, ['lab-1'], { content: { disk: debian, kernel: linux, ramdisk: null } })];
    expect(wantedOn('lab-1', world(coming)).map(({ manifest, what }) => [manifest, what])).toEqual([[linux, 'all'], [debian, 'boot-set'], [initrd, 'all'], [ubuntu, 'boot-set']]);
  });

  it('is wanted once by all who need it, by the first of them', () => {
    expect(wantedOn('lab-1', world([guests('r2', 2, ['lab-1']), guests('i1', 0, ['lab-1'], { kind: 'instance' })]))).toEqual([{ manifest: ubuntu, what: 'boot-set', dueAt: now, for: ['i1', 'r2'] }]);
  });

  it('is all of it where the policy says so, known or not', () => {
    const all = { policy: { ...policy, what: 'all' as PreCopy }, bootKnown: new Set<string>() };
    expect(wantedOn('lab-1', world([guests('r1', 1, ['lab-1'])], all))).toMatchObject([{ manifest: ubuntu, what: 'all' }]);
  });

  it('is no disk of which nobody knows what a boot reads: it is fetched on demand', () => {
    const unknown = world([guests('r1', 1, ['lab-1'], { content: { disk: ubuntu, kernel: linux, ramdisk: null } })], { bootKnown: new Set(), standings: new Map([['lab-1', host([holding(linux, 100)])]]) });
    expect(wantedOn('lab-1', unknown)).toMatchObject([{ manifest: linux }]);
    expect(standsOf('r1', unknown)).toEqual(['unrecorded']);
  });

  it('is kept from eviction a day ahead when it is there, and brought no earlier for that', () => {
    const coming = [guests('r1', 20, ['has', 'whole', 'some']), guests('r2', 25, ['has'], { content: { disk: debian, kernel: null, ramdisk: null } })];
    const standings = new Map([['has', host([holding(ubuntu, 12, 10), holding(debian, 100)])], ['whole', host([holding(ubuntu, 100, 0, 0)])], ['some', host([holding(ubuntu, 9, 9)])]]);
    expect(wantedOn('has', world(coming, { standings }))).toEqual([{ manifest: ubuntu, what: 'boot-set', dueAt: at(20), for: ['r1'] }]);
    expect(wantedOn('some', world(coming, { standings }))).toEqual([]);
    expect(wantedOn('whole', world(coming, { standings, bootKnown: new Set() }))).toMatchObject([{ manifest: ubuntu, what: 'all' }]);
    expect(wantedOn('has', world(coming, { standings, policy: { ...policy, what: 'all' } }))).toMatchObject([{ manifest: ubuntu, what: 'boot-set' }]);
  });

  it('is nothing where the site has switched it off; how far each is shows all the same', () => {
    const off = world([guests('r1', 1, ['lab-1', 'lab-2'])], { policy: { ...policy, enabled: false }, standings: new Map([['lab-1', host([holding(ubuntu, 10, 10)])], ['lab-2', host()]]) });
    expect(planPreCopy(off, now).wanted.size).toBe(0);
    expect(standsOf('r1', off)).toEqual(['ready', 'on-demand']);
  });

  it('is at most what one message names, the rest when its time comes', () => {
    const many = Array.from({ length: mostWanted + 1 }, (_, n) => guests(`r${n}`, n / mostWanted, ['lab-1'], { content: { disk: null, kernel: n.toString(16).padStart(64, '0'), ramdisk: null } }));
    const wanted = wantedOn('lab-1', world([...many].reverse()));
    expect([wanted.length, wanted[0]?.for, wanted.at(-1)?.for]).toEqual([mostWanted, ['r0'], [`r${mostWanted - 1}`]]);
  });
});

describe('how far the slaves of a reservation are', () => {
  it('is told within the lead, for each slave once', () => {
    const standings = new Map([['lab-1', host([holding(ubuntu, 10, 10)])], ['lab-2', host([holding(ubuntu, 3, 2)])], ['lab-3', host([], { poolFull: true })], ['lab-4', host([holding(ubuntu, 100)], { connected: false })]]);
    const slaveIds = ['lab-1', 'lab-1', 'lab-2', 'lab-3', 'lab-4', 'lab-5'];
    expect(standsOf('r1', world([guests('r1', 2, slaveIds)], { standings }))).toEqual(['ready', 'coming', 'on-demand', 'silent', 'silent']);
    expect(planPreCopy(world([guests('r1', 3, slaveIds)], { standings }), now).readiness.size).toBe(0);
  });

  it('is for a disk of which no boot was recorded that nothing of it will come, unless all of it is wanted or is there', () => {
    const content = { disk: ubuntu, kernel: linux, ramdisk: null };
    const standings = new Map([['lab-1', host([holding(ubuntu, 10, 0, 0)])], ['lab-2', host([holding(ubuntu, 100), holding(linux, 100)])], ['lab-3', host([], { poolFull: true })]]);
    const coming = [guests('r1', 1, ['lab-1', 'lab-2', 'lab-3', 'lab-4'], { content })];
    expect(standsOf('r1', world(coming, { standings, bootKnown: new Set() }))).toEqual(['unrecorded', 'ready', 'on-demand', 'silent']);
    expect(standsOf('r1', world(coming, { standings, bootKnown: new Set(), policy: { ...policy, what: 'all' } }))).toEqual(['coming', 'ready', 'on-demand', 'silent']);
    expect(standsOf('r1', world(coming, { standings, bootKnown: new Set(), policy: { ...policy, enabled: false } }))).toEqual(['on-demand', 'ready', 'on-demand', 'silent']);
  });

  it('counts a kernel that is not all there', () => {
    const content = { disk: ubuntu, kernel: linux, ramdisk: null };
    const standings = new Map([['lab-1', host([holding(ubuntu, 10, 10), holding(linux, 99, 0, 0)])]]);
    expect(standsOf('r1', world([guests('r1', 1, ['lab-1'], { content })], { standings }))).toEqual(['coming']);
  });

  it('is not told of guests without an image, nor of one that waits for its room', () => {
    const coming = [guests('r1', 1, ['lab-1'], { content: { disk: null, kernel: null, ramdisk: null } }), guests('i1', 0, ['lab-1'], { kind: 'instance' })];
    expect(planPreCopy(world(coming), now).readiness.size).toBe(0);
  });

  test.each([
    [['ready'], 'The image is ready on its host.'],
    [['coming'], 'The image is being brought to its host; what is missing at the start is fetched as it is read.'],
    [['silent'], 'The image is not ready on its host; what is missing at the start is fetched as it is read. The mirror of one host is not connected.'],
    [['ready', 'ready'], 'The image is ready on all 2 hosts.'],
    [['ready', 'ready', 'on-demand', 'ready'], 'The image is ready on 3 of 4 hosts; the 4th fetches what it reads as it boots.'],
    [['ready', 'coming', 'on-demand'], 'The image is ready on 1 of 3 hosts; it is being brought to 1, and whoever lacks some of it at the start fetches what it reads as it boots.'],
    [['silent', 'silent', 'on-demand'], 'The image is ready on none of 3 hosts; they fetch what they read as they boot. The mirrors of 2 hosts are not connected.'],
    [['unrecorded'], 'The image is not ready on its host; what is missing at the start is fetched as it is read. Nothing of its disk is brought ahead, because nobody knows yet what a boot of it reads: launch one and stop it, or set images.preCopy.what to all.'],
    [['ready', 'unrecorded', 'silent'], 'The image is ready on 1 of 3 hosts; the others fetch what they read as they boot. The mirror of one host is not connected. Nothing of its disk is brought ahead, because nobody knows yet what a boot of it reads: launch one and stop it, or set images.preCopy.what to all.'],
  ] as const)('of %j hosts: %s', (stands, sentence) => {
    expect(readinessSentence(stands)).toBe(sentence);
  });

  test.each([
    [holding(ubuntu, 100), 'All of it is here, and new disks use the file itself.'],
    [{ ...holding(ubuntu, 100), complete: false }, 'All of it is here; each part is checked when it is first read.'],
    [holding(ubuntu, 12, 10), 'What a boot reads is here; 12 % of the whole.'],
    [holding(ubuntu, 12, 3), '30 % of what a boot reads is here; 12 % of the whole.'],
    [holding(ubuntu, 12, 0, 0), '12 % of the whole is here.'],
  ])('of %j on a host: %s', (held, sentence) => {
    expect(holdingSentence(held)).toBe(sentence);
  });
});

describe('whatever is booked and held', () => {
  const slaves = ['lab-1', 'lab-2', 'vol-1'];
  const manifests = [ubuntu, debian, linux, initrd];
  const anyManifest = fc.constantFrom(...manifests);
  const anyContent = fc.record({ disk: fc.option(anyManifest), kernel: fc.option(fc.constantFrom(linux, initrd)), ramdisk: fc.constant(null) });
  const anyGuests = fc.array(
    fc.record({ kind: fc.constantFrom('reservation' as const, 'instance' as const), hours: fc.integer({ min: -30, max: 60 }), slaveIds: fc.array(fc.constantFrom(...slaves), { maxLength: 4 }), content: anyContent }),
    { maxLength: 8 },
  ).map((all) => all.map(({ hours, ...rest }, n): ComingGuests => ({ id: `g${n}`, start: at(hours / 2), ...rest })));
  const anyHolding = fc.tuple(anyManifest, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 10 }), fc.constantFrom(0, 10)).map(([manifest, present, boot, totalBoot]) => holding(manifest, present, Math.min(boot, totalBoot), totalBoot));
  const anyHost = fc.record({ connected: fc.boolean(), poolFull: fc.boolean(), images: fc.uniqueArray(anyHolding, { selector: ({ manifest }) => manifest, maxLength: 4 }) });
  const anyWorld = fc.record({
    policy: fc.record({ enabled: fc.boolean(), what: fc.constantFrom('boot-set' as const, 'all' as const), leadMinutes: fc.constantFrom(0, 30, 120, 3000) }),
    coming: anyGuests,
    standings: fc.uniqueArray(fc.tuple(fc.constantFrom(...slaves), anyHost), { selector: ([id]) => id, maxLength: 3 }).map((all) => new Map(all)),
    bootKnown: fc.subarray(manifests).map((all) => new Set(all)),
  });
  const contentOf = ({ content: { disk, kernel, ramdisk } }: ComingGuests): readonly (string | null)[] => [disk, kernel, ramdisk];

  it('a slave gets what its own guests start from, in the order in which it is due, each version once', () => {
    fc.assert(
      fc.property(anyWorld, (some) => {
        for (const [slaveId, wanted] of planPreCopy(some, now).wanted) {
          expect(some.policy.enabled).toBe(true);
          expect(wanted.map(({ dueAt }) => dueAt)).toEqual(wanted.map(({ dueAt }) => dueAt).sort((a, b) => a - b));
          expect(new Set(wanted.map(({ manifest }) => manifest)).size).toBe(wanted.length);
          for (const { manifest, dueAt, for: ids } of wanted) {
            const theirs = some.coming.filter((one) => ids.includes(one.id));
            expect(theirs.map(({ id }) => id)).toEqual(ids);
            expect(theirs.every((one) => one.slaveIds.includes(slaveId) && contentOf(one).includes(manifest))).toBe(true);
            expect(dueAt).toBe(Math.min(...theirs.map(({ start }) => start)));
          }
        }
      }),
    );
  });

  it('nothing is fetched before its lead, and no whole disk unless it is wanted whole', () => {
    fc.assert(
      fc.property(anyWorld, (some) => {
        for (const [slaveId, wanted] of planPreCopy(some, now).wanted) {
          for (const { manifest, what, dueAt } of wanted) {
            const held = some.standings.get(slaveId)?.images.find((one) => one.manifest === manifest);
            const there = held !== undefined && (held.presentChunks === held.totalChunks || (what === 'boot-set' && held.totalBootChunks > 0 && held.presentBootChunks === held.totalBootChunks));
            const near = dueAt - some.policy.leadMinutes * 60_000 <= now;
            const small = some.coming.some(({ content }) => content.kernel === manifest);
            if (!near) expect(there).toBe(true);
            if (what === 'all' && !there) expect(small || some.policy.what === 'all').toBe(true);
            if (what === 'boot-set') expect(some.bootKnown.has(manifest)).toBe(true);
          }
        }
      }),
    );
  });

  it('what is near is ready, or wanted, or on demand for a reason', () => {
    fc.assert(
      fc.property(anyWorld, (some) => {
        const { wanted, readiness } = planPreCopy(some, now);
        for (const [id, stands] of readiness) {
          const booked = some.coming.find((one) => one.id === id);
          expect([...stands.keys()].sort()).toEqual([...new Set(booked?.slaveIds)].sort());
          for (const [slaveId, standing] of stands) {
            const { connected, poolFull } = some.standings.get(slaveId) ?? { connected: false, poolFull: false };
            expect(standing === 'silent').toBe(!connected);
            if (standing === 'coming') expect((wanted.get(slaveId) ?? []).some(({ for: ids }) => ids.includes(id))).toBe(true);
            if (standing === 'on-demand' && some.policy.enabled && !poolFull && some.policy.what === 'all') throw new Error('Everything that is missing is wanted, and it is said to be fetched on demand.');
          }
        }
      }),
    );
  });

  it('equal worlds give equal plans, in whatever order the guests are told', () => {
    fc.assert(
      fc.property(anyWorld.chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray([...some.coming], { minLength: some.coming.length }))), ([some, coming]) => {
        const [one, other] = [planPreCopy(some, now), planPreCopy({ ...some, coming }, now)];
        for (const slaveId of slaves) expect(other.wanted.get(slaveId)).toEqual(one.wanted.get(slaveId));
        expect(new Map([...other.readiness].sort())).toEqual(new Map([...one.readiness].sort()));
      }),
    );
  });
});
