import type { SimulatedClaim, SimulatedRequest, SimulatedReservation } from '@paravcl/master/core/simulation/simulated-site';
import type { ReservationRules } from '@paravcl/master/core/reservation-rules';
import { roomFor, type Room } from '@paravcl/master/core/snapshot';
import { priorityOf } from '@paravcl/shared/priority';
import { SeededRandom } from '../recovery/seeded-random';
import { dayMs, type Term } from './term';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Who asks for what in a term, in the order in which it is asked. */
export interface Workload {
  readonly requests: readonly SimulatedRequest[];
  readonly reservations: readonly SimulatedReservation[];
}

interface Course {
  readonly id: string;
  readonly students: readonly Student[];
  /** Platform value of its image. */
  readonly pfv: number;
  readonly size: Size;
  /** Its class: day of the week from Monday, and hour. */
  readonly weekday: number;
  readonly hour: number;
  /** Day of its first deadline. */
  readonly deadlineDay: number;
}

interface Student {
  readonly id: string;
  /** Contributes a host of their own. */
  readonly ras: boolean;
}

interface Size {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
}

/** One of a few, each as likely as its weight says. */
type Weighted<T> = readonly (readonly [weight: number, value: T])[];

const sizes: Weighted<Size> = [
  [5, { vcpus: 1, ramMiB: 1024, diskMiB: 4096 }],
  [4, { vcpus: 2, ramMiB: 2048, diskMiB: 8192 }],
  [2, { vcpus: 4, ramMiB: 6144, diskMiB: 16_384 }],
];

/** Hours that a session is asked for. */
const lengths: Weighted<number> = [
  [3, 1],
  [4, 2],
  [2, 3],
  [1, 4],
  [1, 5],
];

/** How busy each hour of a day is; the night is quiet, and not empty. */
const hourWeights: Weighted<number> = [2, 1, 1, 0, 0, 0, 1, 3, 8, 12, 14, 13, 10, 13, 15, 15, 14, 12, 10, 11, 12, 10, 7, 4].map((weight, hour) => [weight, hour] as const);

/** Monday to Sunday. */
const dayWeights: Weighted<number> = [10, 10, 10, 10, 8, 4, 5].map((weight, day) => [weight, day] as const);

/** Classes begin at these hours and last two, so that the last ends at 20:00. */
const classHours = [8, 10, 12, 14, 16, 18] as const;
const classMs = 2 * hourMs;

/** A site's defaults (docs/scheduler.md), with as many open reservations as a course has weeks ahead. */
const classRules: ReservationRules = {
  timeZone: 'UTC', opensAtMinute: 8 * 60, closesAtMinute: 22 * 60, latestStartMinute: null, stepMinutes: 60, minMinutes: 60, maxMinutes: 240, firstDay: 0, lastDay: 14, mostOpen: 3, moveSteps: 1,
};

/**
 * Draws a term: courses with a weekly class that is reserved two weeks ahead, homework whose load rises towards each
 * deadline, ordinary sessions by day and few by night, and long computations begun in the evening. Each part draws from a
 * source of its own, so that more of one does not change the others. The same term gives the same workload, to the byte.
 */
export function drawWorkload(term: Term): Workload {
  const random = new SeededRandom(term.seed);
  const [who, classes, homework, ordinary] = [random.fork(), random.fork(), random.fork(), random.fork()];
  const students = Array.from({ length: term.students }, (_, n): Student => ({ id: `student-${numbered(n, 4)}`, ras: who.chance(0.1) }));
  const courses = drawCourses(term, students, who);
  const reservations = courses.flatMap((course) => classesOf(course, term, classes));
  const drawn = [...courses.flatMap((course) => homeworkOf(course, term, homework)), ...students.flatMap((student) => sessionsOf(student, term, ordinary))];
  const ends = term.beginsAt + term.days * dayMs;
  const requests = drawn
    .filter(({ at }) => at >= term.beginsAt && at < ends)
    .sort((a, b) => a.at - b.at || (a.userId < b.userId ? -1 : 1))
    .map((request, n): SimulatedRequest => ({ ...request, id: `i-${numbered(n, 6)}`, name: `i-${numbered(n, 6)}` }));
  return { requests, reservations };
}

function drawCourses({ students: count, coursesPerStudent, courseSize, deadlineEveryDays }: Term, students: readonly Student[], random: SeededRandom): readonly Course[] {
  const courses = Math.max(1, Math.round((count * coursesPerStudent) / courseSize));
  return Array.from({ length: courses }, (_, n): Course => {
    const first = random.between(0, Math.max(0, count - 1));
    return {
      id: `course-${numbered(n, 3)}`,
      // Neighbours take the same courses, as those of one year do.
      students: Array.from({ length: Math.min(courseSize, count) }, (_unused, each) => students[(first + each) % count] as Student),
      pfv: random.between(1, 3),
      size: drawn(sizes, random),
      weekday: random.between(0, 4),
      hour: random.pick(classHours),
      // Most hand in on a Friday or a Sunday.
      deadlineDay: (random.between(0, Math.max(0, Math.ceil(deadlineEveryDays / 7) - 1)) * 7 + random.pick([4, 4, 6, 6, 2])) % deadlineEveryDays,
    };
  });
}

/** The weeks of a course: what is reserved, and who comes to it when. */
function classesOf(course: Course, term: Term, random: SeededRandom): readonly SimulatedReservation[] {
  const { beginsAt, days } = term;
  const weeks = Math.ceil(days / 7);
  return Array.from({ length: weeks }, (_, week) => week)
    .map((week) => ({ week, start: beginsAt + (week * 7 + course.weekday) * dayMs + course.hour * hourMs }))
    .filter(({ start }) => start + classMs <= beginsAt + days * dayMs)
    .map(({ week, start }): SimulatedReservation => ({
      id: `${course.id}-week-${numbered(week, 2)}`,
      ownerName: course.id,
      groupId: course.id,
      // At the start of the term, or as early as the horizon allows.
      askedAt: Math.max(beginsAt + random.between(0, 60) * minuteMs, start - 13 * dayMs - random.between(0, 12) * hourMs),
      start,
      end: start + classMs,
      count: course.students.length,
      need: roomOf(course.size),
      priority: priorityOf({ pfv: course.pfv, ras: false, mon: true, ramMiB: course.size.ramMiB, minutes: classMs / minuteMs }),
      rules: classRules,
      claims: claimsOf(course, term, random),
    }));
}

function claimsOf({ students }: Course, { noShowShare, emptyClassShare }: Term, random: SeededRandom): readonly SimulatedClaim[] {
  const empty = random.chance(emptyClassShare);
  return students
    .flatMap(({ id }): readonly SimulatedClaim[] => {
      const comes = !random.chance(noShowShare);
      // Most within the first minutes, some far too late.
      const afterStartMs = random.chance(0.06) ? random.between(16 * 60, 45 * 60) * 1000 : Math.min(random.between(0, 900), random.between(0, 900)) * 1000;
      const staysMinutes = random.chance(0.2) ? random.between(15, 60) : random.chance(0.1) ? Infinity : random.between(70, 95);
      return comes && !empty ? [{ userId: id, afterStartMs, staysMs: staysMinutes * minuteMs }] : [];
    })
    .sort((a, b) => a.afterStartMs - b.afterStartMs);
}

type Drawn = Omit<SimulatedRequest, 'id' | 'name'>;

/** The least of three even draws: two thirds of it fall into the last third of the days before a deadline. */
const nearToTheEnd = (random: SeededRandom): number => Math.min(random.next(), random.next(), random.next());

function homeworkOf(course: Course, term: Term, random: SeededRandom): readonly Drawn[] {
  const { beginsAt, days, deadlineEveryDays, homeworkDays, sessionsPerDeadline, overnightShare } = term;
  const drawn: Drawn[] = [];
  for (let day = course.deadlineDay; day < days + homeworkDays; day += deadlineEveryDays) {
    for (const student of course.students) {
      const sessions = random.between(0, sessionsPerDeadline);
      for (let n = 0; n < sessions; n++) {
        const daysBefore = Math.floor(nearToTheEnd(random) * homeworkDays);
        const overnight = random.chance(overnightShare);
        const hour = overnight ? random.between(19, 23) : hourOf(random);
        const at = beginsAt + (day - daysBefore) * dayMs + hour * hourMs + random.between(0, 3599) * 1000;
        const size: Size = overnight ? { vcpus: 4, ramMiB: 6144, diskMiB: 16_384 } : course.size;
        drawn.push(session(student, course, size, overnight ? 5 : lengthOf(random), at, overnight ? { ...term, untilTheEndShare: 0.8 } : term, random));
      }
    }
  }
  return drawn;
}

function sessionsOf(student: Student, term: Term, random: SeededRandom): readonly Drawn[] {
  const { beginsAt, days, sessionsPerDay } = term;
  const weeks = Math.ceil(days / 7);
  const drawn: Drawn[] = [];
  for (let week = 0; week < weeks; week++) {
    const expected = sessionsPerDay * 7;
    const sessions = Math.floor(expected) + Number(random.chance(expected - Math.floor(expected)));
    for (let n = 0; n < sessions; n++) {
      const at = beginsAt + (week * 7 + dayOf(random)) * dayMs + hourOf(random) * hourMs + random.between(0, 3599) * 1000;
      drawn.push(session(student, null, drawnSize(random), lengthOf(random), at, term, random));
    }
  }
  return drawn;
}

function session({ id, ras }: Student, course: Course | null, size: Size, hours: number, at: number, { untilTheEndShare }: Term, random: SeededRandom): Drawn {
  const runMs = hours * hourMs;
  const untilTheEnd = random.chance(untilTheEndShare);
  const usedShare = 0.15 + 0.8 * random.next();
  return {
    userId: id,
    groupId: course?.id ?? null,
    need: roomOf(size),
    priority: priorityOf({ pfv: course?.pfv ?? 1, ras, mon: course !== null, ramMiB: size.ramMiB, minutes: hours * 60 }),
    at,
    runMs,
    staysMs: untilTheEnd ? runMs : Math.round((usedShare * runMs) / 1000) * 1000,
  };
}

const roomOf = (size: Size): Room => roomFor({ ...size, bandwidthMbps: null });

const drawnSize = (random: SeededRandom): Size => drawn(sizes, random);
const lengthOf = (random: SeededRandom): number => drawn(lengths, random);
const hourOf = (random: SeededRandom): number => drawn(hourWeights, random);
const dayOf = (random: SeededRandom): number => drawn(dayWeights, random);

function drawn<T>(of: Weighted<T>, random: SeededRandom): T {
  let left = random.next() * of.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, value] of of) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new RangeError('There is nothing to draw from.');
}

const numbered = (n: number, digits: number): string => String(n).padStart(digits, '0');
