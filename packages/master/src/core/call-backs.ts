import type { EpochMs } from '@paravcl/shared/clock';
import { leadMs, predictedSaveMs } from './save-time';
import { add, compute, noRoom, subtract, within, type Booking, type Room, type Rules, type RunningInstance } from './snapshot';
import { vacating, type SlaveNow } from './room-now';
import { freedBy, leastHarmFirst, smallestSet, suspendableOn, type Victim } from './victims';

/** One start at which slots want their room, and who has to go for it when. */
export interface CallBack {
  readonly start: EpochMs;
  /** What wants room then: it begins, or it has begun and may still be claimed. */
  readonly slots: readonly Booking[];
  /** Best-effort that has to go for it, beyond who goes for earlier starts. */
  readonly victims: readonly Victim[];
  /** Not even all of them make room. */
  readonly short: boolean;
  /**
   * When they have to be told, to be saved by `start`. When nobody has to go, the start itself; before it by as long as
   * the slave still saves, when the room comes from those who leave already.
   */
  readonly tellAt: EpochMs;
}

/** Slots that nobody runs in yet and whose grace is not over: until then their room has to be there. */
export function wantingSlots({ view, running }: SlaveNow, at: EpochMs, { noShowGraceMs }: Pick<Rules, 'noShowGraceMs'>): readonly Booking[] {
  const runsHere = (instanceId: string): boolean => view.running.some(({ id }) => id === instanceId) || running.some(({ id }) => id === instanceId);
  return view.bookings.filter(({ start, end, instanceId }) => at < Math.min(end, start + noShowGraceMs) && (instanceId === null || !runsHere(instanceId)));
}

/** At most this long before a start somebody has to be told: everything that runs or is being saved here, one after the other. */
export function longestLeadMs({ view, running }: SlaveNow, rules: Rules): number {
  let sumMs = 0;
  for (const all of [view.running, running]) for (const { need } of all) sumMs += leadMs([need.ramMiB], view.saveMiBPerSecond, rules);
  return sumMs;
}

/**
 * For every start up to `latest`, nearest first, the smallest set of best-effort that has to go for the slots that want
 * their room then. The saves of a slave share one disk: those for one start have to be over before those for the next
 * begin, and behind a save that goes on already they begin at once.
 *
 * @param watched whoever asks about one instance only spares the starts long after it goes
 */
export function callBacks(slave: SlaveNow, at: EpochMs, rules: Rules, latest: EpochMs, watched: string | null = null): readonly CallBack[] {
  const farthest = longestLeadMs(slave, rules);
  let until = latest;
  let now: SlaveNow = slave;
  const sets: ToGo[] = [];
  for (const { start, slots } of wantedTogether(wantingSlots(slave, at, rules), at)) {
    if (start > until) break;
    const toGo = toGoFor(now, slots, start, at, rules);
    const { victims } = toGo;
    sets.push(toGo);
    if (victims.length > 0) now = vacating(now, victims.map(({ instance }) => instance), null);
    if (victims.some(({ instance }) => instance.id === watched)) until = Math.min(until, start + farthest);
  }
  const savingMs = stillSavingMs(slave, rules);
  let nextBegins = Infinity;
  const told: CallBack[] = [];
  for (const { awaitsLeaving, ...set } of sets.reverse()) {
    if (set.victims.length === 0) {
      told.push({ ...set, tellAt: awaitsLeaving ? set.start - savingMs : set.start });
      continue;
    }
    // What has not started yet may have by then: its RAM counts.
    nextBegins = Math.min(set.start, nextBegins) - leadMs(set.victims.map(({ instance }) => instance.need.ramMiB), slave.view.saveMiBPerSecond, rules);
    told.push({ ...set, tellAt: nextBegins < at + savingMs ? nextBegins - savingMs : nextBegins });
  }
  return told.reverse();
}

/** Not enough is there without the room of those who leave already. */
type ToGo = Omit<CallBack, 'tellAt'> & { readonly awaitsLeaving: boolean };

/** Each start with all that want room then; what has begun wants it now. */
function* wantedTogether(wanting: readonly Booking[], at: EpochMs): Generator<Pick<CallBack, 'start' | 'slots'>> {
  const coming = [...wanting].sort((a, b) => a.start - b.start);
  let open: readonly Booking[] = [];
  for (let next = 0; next < coming.length; ) {
    const start = Math.max(at, coming[next]?.start ?? at);
    const begun = next;
    while (next < coming.length && (coming[next]?.start ?? Infinity) <= start) next++;
    open = [...open.filter(({ end }) => end > start), ...coming.slice(begun, next).filter(({ end }) => end > start)];
    yield { start, slots: open };
  }
}

/**
 * How long the slave may still save what was told to go before. They share one disk, so that since when one of them is being
 * saved does not say how much of it is: the time may have been another's, which is gone by now.
 */
function stillSavingMs({ view: { running, saveMiBPerSecond } }: SlaveNow, { saveSafety }: Rules): number {
  return running
    .filter(({ leaving, observed }) => leaving && observed !== 'stopping' && observed !== 'preparing')
    .reduce((sum, { need }) => sum + saveSafety * predictedSaveMs(need.ramMiB, saveMiBPerSecond), 0);
}

/**
 * Who has to go so that these slots have their room at `start`. What ends before goes by itself: reserved instances with
 * their window, best-effort when it is over so early that it is saved by then. Best-effort whose time is over just then
 * would be saved too late: it goes first, and only then others. What is reserved until just then is still being saved at
 * the start, too, and never told to go before: others go for it where that is enough, and where it is not nobody does.
 */
function toGoFor(slave: SlaveNow, slots: readonly Booking[], start: EpochMs, at: EpochMs, rules: Rules): ToGo {
  const { capacity, saveMiBPerSecond } = slave.view;
  const nominees = [...slave.nominated.values()].filter(({ id, type }) => type === 'AR' && !slots.some(({ instanceId }) => instanceId === id));
  const wanted = add(compute(slave.promised), sum([...slots, ...nominees]));
  const room = add(compute(capacity), slave.freeing);
  if (within(wanted, room)) return { start, slots, victims: [], short: false, awaitsLeaving: !within(wanted, compute(capacity)) };
  const all = leastHarmFirst(suspendableOn(slave, start), at);
  const allRamMiBs = all.map(({ instance }) => instance.need.ramMiB);
  const over = ({ type, endsAt, need }: RunningInstance): boolean => endsAt !== null && endsAt <= (type === 'AR' ? start : start - leadMs([...allRamMiBs, need.ramMiB], saveMiBPerSecond, rules));
  const gone = slave.running.filter(over);
  const savedThen = gone.filter(({ type, endsAt, need }) => type === 'AR' && endsAt !== null && endsAt + rules.saveSafety * predictedSaveMs(need.ramMiB, saveMiBPerSecond) > start);
  const staying = all.filter(({ instance }) => !over(instance));
  const ending = staying.filter(({ instance: { endsAt } }) => endsAt !== null && endsAt <= start);
  const others = staying.filter((victim) => !ending.includes(victim));
  const enough = (left: Room): readonly Victim[] | null => smallestSet(others, at, (freed) => within(wanted, add(left, add(freed, freedBy(ending)))));
  const withAll = add(room, sum(gone));
  const without = subtract(withAll, sum(savedThen));
  const beside = enough(without);
  const left = beside === null ? withAll : without;
  const fits = (freed: Room): boolean => within(wanted, add(left, freed));
  // When not even all of them make room (a host that lost cores), all go: the nearest to the promise there is.
  const chosen = beside ?? enough(withAll) ?? others;
  const first = smallestSet(ending, at, (freed) => fits(add(freed, freedBy(chosen)))) ?? ending;
  const victims = [...chosen, ...first];
  return { start, slots, victims, short: !fits(freedBy(victims)), awaitsLeaving: !within(wanted, subtract(add(left, freedBy(victims)), slave.freeing)) };
}

const sum = (all: readonly { readonly need: Room }[]): Room => all.map(({ need }) => compute(need)).reduce(add, noRoom);
