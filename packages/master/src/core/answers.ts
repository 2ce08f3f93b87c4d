import type { ReasonCode } from '@paravcl/shared/domain/reasons';
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
  readonly ask: Ask;
}

/** So many are found without putting all that could take it in order. */
const fewest = 5;

/**
 * What the slaves of a round answer to one instance. Most are refused by their figures alone; of the others those that the
 * placement policy puts first are asked first, and no more of them than are needed. Once none is left that can take it,
 * all have answered.
 */
export class Answers {
  private count = 0;
  private readonly groups = new Map<string, { row: number; count: number; refusal: Refusal | null }>();
  private readonly lacking: number[] = [];
  /** Rows that may take it; of those that are not `sure` only asking tells. */
  private readonly candidates: number[] = [];
  private readonly sure: ReadonlySet<number> | 'all' | 'none';

  constructor(
    private readonly circle: Circle,
    private readonly question: Question,
  ) {
    this.sure = this.askFigures();
  }

  /** How many have answered. */
  get answered(): number {
    return this.count;
  }

  /** Of those that have answered: why they cannot take it. */
  given(): readonly Given[] {
    return this.inOrder().map(([, { row, count, refusal }]) => ({ refusal: refusal ?? this.refusalOf(row), count }));
  }

  /** The same without the sentences. */
  counts(): readonly { readonly code: ReasonCode; readonly count: number }[] {
    return this.inOrder().map(([group, { count }]) => ({ code: group.slice(0, -2) as ReasonCode, count }));
  }

  private inOrder() {
    return [...this.groups].sort(([, a], [, b]) => a.row - b.row);
  }

  /** Of those that have answered: where room alone is missing, so that others could give way. */
  lackRoom(): readonly SlaveNow[] {
    return this.lacking.sort((a, b) => a - b).map((row) => this.slave(row));
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
    const { candidates, sure } = this;
    const first = bestOf(candidates, sure === 'all' ? fewest : fewest * 4, columns.compare);
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
    const { sure } = this;
    const refusal = sure === 'all' || (sure !== 'none' && sure.has(row)) ? null : this.circle.ask(this.slave(row), this.question);
    if (refusal === null) this.count++;
    else this.refuse(row, `${refusal.code}${Number(refusal.passing)}${Number(refusal.room)}`, refusal.room, refusal);
    return refusal === null;
  }

  /** Lets figures refuse whom they can, and says for whom they answer alone. */
  private askFigures(): ReadonlySet<number> | 'all' | 'none' {
    const { columns, slaves } = this.circle;
    const { instance, pool } = this.question;
    const { id, type, need, boundTo, ramSavedOn, attempts, deployment, spared, booking } = instance;
    if (type === 'AR' || boundTo !== null || ramSavedOn !== undefined || booking !== null) {
      for (let row = 0; row < slaves.length; row++) if (boundTo === null || this.slave(row).view.id === boundTo) this.candidates.push(row);
      return 'none';
    }
    const byHand = new Set([...columns.particular].filter((row) => isKeptFor(this.slave(row), id)));
    const tried = new Set(attempts.map(({ slaveId }) => slaveId));
    if (tried.size > 0) for (let row = 0; row < slaves.length; row++) if (tried.has(this.slave(row).view.id)) byHand.add(row);
    const chosen = deployment?.slaveIds ?? null;
    const belowLimit = !leavesCriticalLimit(pool, need);
    const mustBeAsked = spared || deployment !== undefined;
    const sure = new Set<number>();
    for (let row = 0; row < slaves.length; row++) {
      if (chosen !== null && !mayRunOn(deployment, this.slave(row).view.id)) {
        this.refuse(row, 'NotChosen00', false, null);
        continue;
      }
      const answer = byHand.has(row) ? said.ask : columns.say(row, need);
      if (answer === said.able && !mustBeAsked) {
        if (belowLimit) this.refuse(row, 'CriticalLimit11', true, null);
        else {
          sure.add(row);
          this.candidates.push(row);
        }
      } else if (answer === said.able || answer === said.ask) this.candidates.push(row);
      else this.refuse(row, groupOf[answer], lacksRoom.has(answer), null);
    }
    return sure.size === this.candidates.length ? 'all' : sure;
  }

  private refuse(row: number, group: string, room: boolean, refusal: Refusal | null): void {
    this.count++;
    if (room) this.lacking.push(row);
    const known = this.groups.get(group);
    if (known === undefined) this.groups.set(group, { row, count: 1, refusal });
    else {
      known.count++;
      if (row < known.row) Object.assign(known, { row, refusal });
    }
  }

  /** The sentence that the figures of a row stand for. */
  private refusalOf(row: number): Refusal {
    const refusal = this.circle.ask(this.slave(row), this.question);
    if (refusal === null) throw new Error(`The figures of ${this.slave(row).view.name} refuse what it can take.`);
    return refusal;
  }

  private slave(row: number): SlaveNow {
    return this.circle.slaves[row] as SlaveNow;
  }
}

/** Code, whether it passes, whether room is what is missing: one group of equal answers. */
const groupOf: Readonly<Record<Exclude<Said, 0 | 1>, `${ReasonCode}${0 | 1}${0 | 1}`>> = {
  [said.NoSlaveFits]: 'NoSlaveFits00',
  [said.NotEnoughDisk]: 'NotEnoughDisk10',
  [said.NotEnoughCores]: 'NotEnoughCores11',
  [said.NotEnoughRam]: 'NotEnoughRam11',
  [said.NotEnoughBandwidth]: 'NotEnoughBandwidth11',
  [said.KeptForReservation]: 'KeptForReservation10',
};
const lacksRoom: ReadonlySet<Said> = new Set([said.NotEnoughCores, said.NotEnoughRam, said.NotEnoughBandwidth]);

/** The first so many in order, in one pass. */
function bestOf(rows: readonly number[], most: number, compare: (a: number, b: number) => number): readonly number[] {
  const best: number[] = [];
  for (const row of rows) {
    const last = best[best.length - 1];
    if (best.length === most && last !== undefined && compare(row, last) > 0) continue;
    let place = best.length;
    while (place > 0 && compare(row, best[place - 1] as number) < 0) place--;
    best.splice(place, 0, row);
    if (best.length > most) best.pop();
  }
  return best;
}
