export const dayMs = 86_400_000;

/** A term as the generator draws it: every number that shapes it, with its default (docs/simulation.md explains them). */
export interface Term {
  readonly days: number;
  readonly slaves: number;
  readonly students: number;
  readonly seed: number;
  /** Midnight of a Monday, UTC: weekdays, classes and nights are counted from it. */
  readonly beginsAt: number;
  /** Students of one course. */
  readonly courseSize: number;
  /** How many courses each student takes. */
  readonly coursesPerStudent: number;
  /** Share of those enrolled who do not come to a class. */
  readonly noShowShare: number;
  /** Share of classes to which nobody comes. */
  readonly emptyClassShare: number;
  /** Every course has a deadline after so many days, each time. */
  readonly deadlineEveryDays: number;
  /** Homework for a deadline is begun at most so many days before it. */
  readonly homeworkDays: number;
  /** Most sessions of one student for one deadline. */
  readonly sessionsPerDeadline: number;
  /** Sessions of a student on an ordinary day, beside homework. */
  readonly sessionsPerDay: number;
  /** Share of homework sessions that are long computations, begun in the evening. */
  readonly overnightShare: number;
  /** Share of sessions that last until their time is over; the others are left before. */
  readonly untilTheEndShare: number;
}

/** Mon 12 Oct 2026: the first week of a winter term. */
const firstMonday = Date.UTC(2026, 9, 12);

export const usualTerm: Term = {
  days: 30,
  slaves: 40,
  students: 400,
  seed: 7,
  beginsAt: firstMonday,
  courseSize: 20,
  coursesPerStudent: 3,
  noShowShare: 0.12,
  emptyClassShare: 0.03,
  deadlineEveryDays: 14,
  homeworkDays: 6,
  sessionsPerDeadline: 5,
  sessionsPerDay: 0.4,
  overnightShare: 0.1,
  untilTheEndShare: 0.25,
};
