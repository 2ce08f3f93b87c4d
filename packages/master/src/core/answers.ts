import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { mayMoveHead, type LacksRoom } from './backfill';
import { aboveLimit, groupOf, groups, willHaveRoom, type Group } from './answer-groups';
import { said, sayings, type Columns, type Said } from './columns';
import type { Question, Refusal } from './feasible';
import type { KeptFor } from './kept-for';
import type { Lacking } from './preempt';
import type { PlacementPolicy, PlacementWorld } from './rank';
import { asSeen, leavesCriticalLimit, type SlaveNow } from './room-now';
import { figuresFor, type ShortList, type ShortLists } from './short-list';

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
  readonly lists: ShortLists;
  readonly keptFor: KeptFor;
  readonly placement: PlacementPolicy;
  readonly seen: () => PlacementWorld;
  /** Of these rows `weakestPi`, by the row. */
  readonly weakestPis: (rows: Int32Array) => Float64Array;
  /** See `askedAtFirst`. */
  readonly atFirst: number;
  readonly ask: Ask;
}

/** So many are asked before all that might take it are put in order. */
export const askedAtFirst = 8;

/**
 * What the slaves of a round answer to one instance, until the round changes. Most are refused by their figures alone; of the
 * others those that the placement policy puts first are asked first, and no more of them than are needed. Once none is left
 * that can take it, all have answered.
 */
export class Answers {
  private count = 0;
  private readonly groups = new Map<string, { readonly group: Group; row: number; count: number; refusal: Refusal | null }>();
  /** Rows that were asked and could take it once they have room, whose that room is now. */
  private readonly lacking = new Map<number, Group>();
  /** What figures say to it; null: more than figures decides on every row. */
  private readonly figures: ShortList | null;
  /** So near the critical limit that none with the room takes it. */
  private readonly belowLimit: boolean;
  /** Whoever has the room by its figures is asked all the same. */
  private readonly mustBeAsked: boolean;
  private readonly movesHead: ((slaveId: string) => boolean) | null;

  constructor(
    private readonly circle: Circle,
    private readonly question: Question,
  ) {
    const { instance, pool, head } = question;
    this.figures = figuresFor(circle, instance);
    this.mustBeAsked = instance.spared || instance.deployment !== undefined;
    this.belowLimit = !this.mustBeAsked && !leavesCriticalLimit(pool, instance.need);
    this.movesHead = head === undefined ? null : mayMoveHead(head);
    this.countFigures();
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

  /** Of those that have answered: where room alone is missing, so that others could give way. In the order of ids. */
  lackRoom(): Lacking {
    const rows = this.rowsWhere(({ room }) => room);
    return { slaves: this.circle.slaves, rows, weakestPis: this.circle.weakestPis(rows) };
  }

  /** Of those that have answered: where there will be room when who has it ends, a reservation or its own deployment's boots too. In the order of ids. */
  forRoomLater(): readonly LacksRoom[] {
    return Array.from(this.rowsWhere(willHaveRoom), (row) => ({ slave: this.slave(row), code: (this.lacking.get(row) ?? (this.figuresAt(row) as Group)).code }));
  }

  /** Rows that were refused so, in their order. */
  private rowsWhere(isSo: (group: Group) => boolean): Int32Array {
    const asked = [...this.lacking].flatMap(([row, group]) => (isSo(group) ? row : []));
    if (this.figures === null) return Int32Array.from(asked).sort();
    const { says } = this.figures;
    const counts = Array.from({ length: sayings }, (_, answer) => {
      const group = this.groupOfFigures(answer as Said);
      return group !== null && isSo(group);
    });
    const rows = new Int32Array(says.length);
    let found = 0;
    for (let row = 0; row < says.length; row++) if (counts[says[row] as number] === true) rows[found++] = row;
    if (asked.length === 0) return rows.subarray(0, found);
    return Int32Array.from([...rows.subarray(0, found), ...asked]).sort();
  }

  private figuresAt(row: number): Group | null {
    return this.figures === null ? null : this.groupOfFigures(this.figures.says[row] as Said);
  }

  /** Those that can take it, best first; its own slot's slave before all. */
  *able(): Generator<SlaveNow> {
    const { booking, boundTo, type } = this.question.instance;
    const { columns } = this.circle;
    const own = booking === null ? -1 : columns.rowOf(booking.slaveId);
    const isOwnOpen = own >= 0 && (boundTo === null || boundTo === booking?.slaveId);
    if (isOwnOpen && this.canTake(own)) yield this.slave(own);
    yield* type === 'BE' && columns.comparable ? this.bestFirst(isOwnOpen ? own : -1) : this.allInOrder(isOwnOpen ? own : -1);
  }

  /** Rows that may take it; of those that are not sure only asking tells. */
  private candidates(own: number): readonly number[] {
    const { circle: { columns, slaves }, question: { instance: { boundTo } }, figures } = this;
    if (figures !== null) return this.belowLimit && figures.count(said.ask) === 0 ? [] : figures.rows().filter((row) => this.isOpen(row));
    if (boundTo !== null) return [columns.rowOf(boundTo)].filter((row) => row >= 0 && row !== own);
    return Array.from(slaves, (_, row) => row).filter((row) => row !== own);
  }

  private isOpen(row: number): boolean {
    return this.figuresAt(row) === null;
  }

  /** By the columns' keys: only so many are asked as somebody takes. */
  private *bestFirst(own: number): Generator<SlaveNow> {
    const { columns, atFirst } = this.circle;
    // Where those that have the room are refused, few are left, and the list is of the others.
    const [first, isWhole] = this.figures === null || this.belowLimit ? [columns.best(this.candidates(own), atFirst), false] : this.figures.first(atFirst);
    for (const row of first) if (this.canTake(row)) yield this.slave(row);
    if (isWhole) return;
    const asked = new Set(first);
    for (const row of this.candidates(own).filter((one) => !asked.has(one)).sort(columns.compare)) if (this.canTake(row)) yield this.slave(row);
  }

  private *allInOrder(own: number): Generator<SlaveNow> {
    const { placement, seen } = this.circle;
    const able = this.candidates(own).filter((row) => this.canTake(row)).map((row) => ({ slave: this.slave(row), view: asSeen(this.slave(row)) }));
    if (able.length === 0) return;
    const world = seen();
    able.sort((a, b) => placement.compare(a.view, b.view, this.question.instance, world));
    for (const { slave } of able) yield slave;
  }

  private canTake(row: number): boolean {
    const refusal = this.isSure(row) ? null : this.circle.ask(this.slave(row), this.question);
    if (refusal === null) this.count++;
    else this.refuse(row, groupOf(refusal), refusal);
    return refusal === null;
  }

  /** Figures decide: nobody has to be asked. */
  private isSure(row: number): boolean {
    return this.figures?.says[row] === said.able && !this.mustBeAsked && this.movesHead?.(this.slave(row).view.id) !== true;
  }

  /** Those whom figures refuse have answered. */
  private countFigures(): void {
    const { figures } = this;
    if (figures === null) return;
    for (const answer of Object.values(said)) {
      const group = this.groupOfFigures(answer);
      const count = figures.count(answer);
      if (group === null || count === 0) continue;
      this.count += count;
      this.groups.set(group.name, { group, row: figures.says.indexOf(answer), count, refusal: null });
    }
  }

  /** How figures that say this refuse it; null: they do not. */
  private groupOfFigures(answer: Said): Group | null {
    if (answer === said.ask) return null;
    if (answer === said.able) return this.belowLimit ? aboveLimit : null;
    return groups[answer];
  }

  private refuse(row: number, group: Group, refusal: Refusal): void {
    this.count++;
    if (willHaveRoom(group)) this.lacking.set(row, group);
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
