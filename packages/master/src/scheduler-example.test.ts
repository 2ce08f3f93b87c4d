import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { admit } from './core/admit';
import { asking, written, type BookedSite } from './core/booked-site.model';
import { admittedSentence, movedSentence } from './core/explain-reservation';
import { plan } from './core/plan';
import { at, para, running, slave, waiting, world, booking } from './core/small-world.model';
import type { Room, RunningInstance } from './core/snapshot';

/** "A worked example" of docs/scheduler.md, played. */
const text = readFileSync(join(__dirname, '../../../docs/scheduler.md'), 'utf8').replace(/\s+/g, ' ');

const now = at(9);
const need = (vcpus: number, ramMiB: number): Room => ({ vcpus, ramMiB, diskMiB: 4096 + ramMiB, bandwidthMbps: 0 });
const capacity: Room = { vcpus: 4, ramMiB: 16_384, diskMiB: 100_000, bandwidthMbps: 1000 };
const priority = (pfv: number, ramMiB: number, minutes: number, facts: { readonly ras?: boolean; readonly mon?: boolean } = {}): PriorityParts =>
  priorityOf({ pfv, ramMiB, minutes, ras: false, mon: false, ...facts });

const guest = (name: string, vcpus: number, ramMiB: number, { pi }: PriorityParts, since: number, endsAt: number): RunningInstance =>
  running(name, vcpus, { need: need(vcpus, ramMiB), pi, since, endsAt });
const guests = (endsAt: (own: number) => number): readonly RunningInstance[] => [
  guest('dosbox', 1, 200, priority(0, 200, 120), at(8, 10), endsAt(at(10, 10))),
  guest('ubuntu', 2, 1024, priority(2, 1024, 60), at(8, 30), endsAt(at(9, 30))),
  guest('eclipse', 1, 600, priority(0, 600, 45, { ras: true }), at(8, 55), endsAt(at(9, 40))),
];

/** What is said when matlab is asked for: to its owner, and to who gives way. */
function saidOfMatlab(ras: boolean): readonly string[] {
  const lab = slave('lab-1', { capacity, running: guests((own) => own) });
  const matlab = waiting('matlab', 2, { need: need(2, 2048), priority: priority(2, 2048, 60, { ras, mon: true }) });
  return plan(world([lab]), [matlab], para, now).decisions.flatMap((decision) => [
    'reason' in decision ? decision.reason.sentence : decision.sentence,
    ...(decision.kind === 'preempt' ? decision.victims.map(({ sentence }) => sentence) : []),
  ]);
}

function expectToldIn(sentences: readonly string[], count: number): void {
  expect(sentences).toHaveLength(count);
  expect(sentences.filter((sentence) => !text.includes(sentence))).toEqual([]);
}

describe('the worked example of docs/scheduler.md', () => {
  it('lets an equal priority wait', () => {
    expectToldIn(saidOfMatlab(false), 1);
  });

  it('has ubuntu alone give way once a machine is promised', () => {
    expectToldIn(saidOfMatlab(true), 2);
  });

  it('calls the room back at 09:59:27.52, and not before', () => {
    const bookings = [1, 2].map((slot) => booking('reservation', 1, at(10), at(12), { ownerName: 'CL II', slot, need: need(1, 1024) }));
    const lab = slave('lab-1', { capacity, running: guests(() => at(12)), bookings });
    const recalled = at(9, 59) + 27_520;
    expect(plan(world([lab]), [], para, recalled - 1)).toMatchObject({ recalls: [], dueAt: recalled });
    const victims = plan(world([lab]), [], para, recalled).recalls.flatMap((recall) => recall.victims);
    expectToldIn(victims.map(({ sentence }) => sentence), 1);
  });

  it('moves Lab B by an hour, once', () => {
    const tuesday = (hours: number): number => at(24 + hours);
    const said: string[] = [];
    const ask = (before: BookedSite, owner: string, count: number, ramMiB: number, start: number, hours: number): BookedSite => {
      const { pi } = priority(1, ramMiB, hours * 60, { mon: true });
      const request = asking(owner, count, 1, start, hours, { need: need(1, ramMiB), pi });
      const admission = admit(before.world, before.held, request, now);
      if (admission.kind === 'refused') {
        // The offer of best-effort is left out of the page.
        said.push(admission.reason.sentence.replace(/ One machine can .*/, ''));
      } else {
        const ownPi = (id: string): number => before.held.find((one) => one.id === id)?.pi ?? 0;
        said.push(admittedSentence(request, owner, admission, before.world, now));
        said.push(...admission.moves.map((move) => movedSentence(move, { theirs: pi, own: ownPi(move.reservationId) }, 'UTC', now)));
      }
      return written(before, request, admission, now);
    };
    const empty: BookedSite = { world: world([slave('lab-1', { capacity }), slave('lab-2', { capacity })]), held: [] };
    const labB = ask(empty, 'Lab B', 6, 2048, tuesday(10), 2);
    const clII = ask(labB, 'CL II', 4, 1024, tuesday(10), 1);
    ask(clII, 'Lab C', 4, 512, tuesday(12), 1);
    const [first, ...told] = said;
    expect(first).toBe('6 cores for Lab B, Tue 10:00 to 12:00.');
    expectToldIn(told, 3);
  });
});
