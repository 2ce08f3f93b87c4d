import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { mayMoveHead, type LacksRoom } from './backfill';
import { said, type Columns, type Said } from './columns';
import { mayRunOn, type Question, type Refusal } from './feasible';
import type { PlacementPolicy, PlacementWorld } from './rank';
import { asSeen, isKeptFor, leavesCriticalLimit, type SlaveNow } from './room-now';

/** What a slave answers by all that it is asked; null: it can take the instance. */
export type Ask = (slave: SlaveNow, question: Question) => Refusal | null;

/** One answer that slaves gave: as the first of them in the order of ids gave it, and how many gave it. */
export interface Given {
  readonly refusal: Refusal;
  readonly count: number;
}

/** All with whom asking is done. */
export interface Circle {
  /** In the order of ids. */
  readonly slaves: readonly SlaveNow[];
  readonly columns: Columns;
  readonly placement: PlacementPolicy;
  readonly seen: () => PlacementWorld;
  /** See `askedAtFirst`. */
  readonly atFirst: number;
  readonly ask: Ask;
}

/** So many are asked before all that might take it are put in order. */
export const askedAtFirst = 8;

/**
 * What the slaves of a round answer to one instance. Most are refused by their figures alone; of the others those that the
 * placement policy puts first are asked first, and no more of them than are needed. Once none is left that can take it,
 * all have answered.
 */
export class Answers {
  private count = 0;
  private readonly groups = new Map<string, { readonly group: Group; row: number; count: number; refusal: Refusal | null }>();
  /** Rows that could take it once they have room, whose that room is now. */
  private readonly lacking: { readonly row: number; readonly code: ReasonCode; readonly room: boolean }[] = [];
  /** Rows that may take it; of those that are not `sure` only asking tells. */
  private readonly candidates: number[] = [];
  private readonly sure: Uint8Array;

  constructor(
    private readonly circle: Circle,
    private readonly question: Question,
  ) {
    this.sure = new Uint8Array(circle.slaves.length);
    this.askFigures();
  }

  /** How many have answered. */
  get answered(): number {
    return this.count;
  }

  /** Of those that have answered: why they cannot take it. */
  given(): readonly Given[] {
    return this.inOrder().map(({ group, row, count, refusal }) => ({ refusal: refusal ?? this.refusalOf(row, group), count }));
  }

  /** The same without the sentences. */
  counts(): readonly { readonly code: ReasonCode; readonly count: number }[] {
    return this.inOrder().map(({ group: { code }, count }) => ({ code, count }));
  }

  private inOrder() {
    return [...this.groups.values()].sort((a, b) => a.row - b.row);
  }

  /** Of those that have answered: where room alone is missing, so that others could give way. */
  lackRoom(): readonly SlaveNow[] {
    return this.lacking.sort((a, b) => a.row - b.row).flatMap(({ row, room }) => (room ? [this.slave(row)] : []));
  }

  /** Of those that have answered: where there will be room when who has it ends, a reservation or its own deployment's boots too. */
  forRoomLater(): readonly LacksRoom[] {
    return this.lacking.sort((a, b) => a.row - b.row).map(({ row, code }) => ({ slave: this.slave(row), code }));
  }

  /** Those that can take it, best first; its own slot's slave before all. */
  *able(): Generator<SlaveNow> {
    const { instance } = this.question;
    const own = instance.booking === null ? -1 : this.candidates.findIndex((row) => this.slave(row).view.id === instance.booking?.slaveId);
    if (own >= 0) {
      const [row] = this.candidates.splice(own, 1);
      if (row !== undefined && this.canTake(row)) yield this.slave(row);
    }
    yield* instance.type === 'BE' && this.circle.columns.comparable ? this.bestFirst() : this.allInOrder();
  }

  /** By the columns' keys: only so many are asked as somebody takes. */
  private *bestFirst(): Generator<SlaveNow> {
    const { columns } = this.circle;
    const { candidates } = this;
    const first = columns.best(candidates, this.circle.atFirst);
    for (const row of first) if (this.canTake(row)) yield this.slave(row);
    if (first.length === candidates.length) return;
    const asked = new Set(first);
    for (const row of candidates.filter((one) => !asked.has(one)).sort(columns.compare)) if (this.canTake(row)) yield this.slave(row);
  }

  private *allInOrder(): Generator<SlaveNow> {
    const { placement, seen } = this.circle;
    const able = this.candidates.filter((row) => this.canTake(row)).map((row) => ({ slave: this.slave(row), view: asSeen(this.slave(row)) }));
    if (able.length === 0) return;
    const world = seen();
    able.sort((a, b) => placement.compare(a.view, b.view, this.question.instance, world));
    for (const { slave } of able) yield slave;
  }

  private canTake(row: number): boolean {
    const refusal = this.sure[row] === 1 ? null : this.circle.ask(this.slave(row), this.question);
    if (refusal === null) this.count++;
    else this.refuse(row, groupOf(refusal), refusal);
    return refusal === null;
  }

  /** Lets figures refuse whom they can; of those that are left they let some take it without being asked. */
  private askFigures(): void {
    const { columns, slaves } = this.circle;
    const { instance, pool, head } = this.question;
    const { id, type, need, boundTo, ramSavedOn, attempts, deployment, spared, booking } = instance;
    if (type === 'AR' || boundTo !== null || ramSavedOn !== undefined || booking !== null) {
      for (let row = 0; row < slaves.length; row++) if (boundTo === null || this.slave(row).view.id === boundTo) this.candidates.push(row);
      return;
    }
    const figures = columns.sayAll(need);
    for (const row of columns.particular) if (isKeptFor(this.slave(row), id)) figures[row] = said.ask;
    const tried = new Set(attempts.map(({ slaveId }) => slaveId));
    const someOnly = deployment?.slaveIds != null;
    const belowLimit = !leavesCriticalLimit(pool, need);
    const mustBeAsked = spared || deployment !== undefined;
    const movesHead = head === undefined ? null : mayMoveHead(head);
    for (let row = 0; row < figures.length; row++) {
      const answer = figures[row] as Said;
      if (someOnly && !mayRunOn(deployment, this.slave(row).view.id)) this.refuse(row, notChosen, null);
      else if (answer === said.ask || (tried.size > 0 && tried.has(this.slave(row).view.id))) this.candidates.push(row);
      else if (answer !== said.able) this.refuse(row, groups[answer], null);
      else if (belowLimit && !mustBeAsked) this.refuse(row, aboveLimit, null);
      else {
        this.candidates.push(row);
        if (!mustBeAsked && movesHead?.(this.slave(row).view.id) !== true) this.sure[row] = 1;
      }
    }
  }

  private refuse(row: number, group: Group, refusal: Refusal | null): void {
    this.count++;
    const { code, room } = group;
    if (room || code === 'KeptForReservation' || code === 'PreparingOthers') this.lacking.push({ row, code, room });
    const known = this.groups.get(group.name);
    if (known === undefined) this.groups.set(group.name, { group, row, count: 1, refusal });
    else {
      known.count++;
      if (row < known.row) Object.assign(known, { row, refusal });
    }
  }

  /** The sentence that the figures of a row stand for. */
  private refusalOf(row: number, { code, passing: isPassing, room }: Group): Refusal {
    // Tests hold that figures say what filters say; should they ever not, the sentence is poor and the answer stands.
    return this.circle.ask(this.slave(row), this.question) ?? { code, sentence: `${this.slave(row).view.name} cannot take it now.`, passing: isPassing, room };
  }

  private slave(row: number): SlaveNow {
    return this.circle.slaves[row] as SlaveNow;
  }
}

/** Answers that say the same. */
interface Group extends Pick<Refusal, 'code' | 'passing' | 'room'> {
  readonly name: string;
}

function groupOf({ code, passing, room }: Pick<Refusal, 'code' | 'passing' | 'room'>): Group {
  return { name: `${code} ${String(passing)} ${String(room)}`, code, passing, room };
}

const lasting = (code: ReasonCode): Group => groupOf({ code, passing: false, room: false });
const passing = (code: ReasonCode): Group => groupOf({ code, passing: true, room: false });
const noRoom = (code: ReasonCode): Group => groupOf({ code, passing: true, room: true });

const [notChosen, aboveLimit] = [lasting('NotChosen'), noRoom('CriticalLimit')];
const groups: Readonly<Record<Exclude<Said, 0 | 1>, Group>> = {
  [said.NoSlaveFits]: lasting('NoSlaveFits'),
  [said.TooSlow]: lasting('TooSlow'),
  [said.NotEnoughDisk]: passing('NotEnoughDisk'),
  [said.NotEnoughCores]: noRoom('NotEnoughCores'),
  [said.NotEnoughRam]: noRoom('NotEnoughRam'),
  [said.NotEnoughBandwidth]: noRoom('NotEnoughBandwidth'),
  [said.KeptForReservation]: passing('KeptForReservation'),
};
