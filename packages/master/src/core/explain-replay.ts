import { listed } from './explain-reservation';
import type { Answer, RoundInputs } from './replay';
import { ordinal } from './say';

/** Names of what a round is about; an id where it does not know one. */
export interface RoundNames {
  readonly instance: (id: string) => string;
  readonly slave: (id: string) => string;
  /** Whose reservation it is. */
  readonly reservation: (id: string) => string;
}

export function namesOfRound({ snapshot: { slaves }, waiting }: Pick<RoundInputs, 'snapshot' | 'waiting'>): RoundNames {
  const instances = new Map([...slaves.flatMap(({ running }) => running), ...waiting].map(({ id, name }) => [id, name]));
  const hosts = new Map(slaves.map(({ id, name }) => [id, name]));
  const owners = new Map(slaves.flatMap(({ bookings }) => bookings).map(({ reservationId, ownerName }) => [reservationId, ownerName]));
  return {
    instance: (id) => instances.get(id) ?? id,
    slave: (id) => hosts.get(id) ?? id,
    reservation: (id) => `the reservation of ${owners.get(id) ?? id}`,
  };
}

export function subjectName({ type, id }: Answer['subject'], names: RoundNames): string {
  return type === 'instance' ? names.instance(id) : names.reservation(id);
}

/** "web goes to lab-1 under para/para; under fifo/para it waits as the 2nd in line." */
export function otherwiseSentence(subject: string, before: { readonly answer: Answer | null; readonly policy: string }, after: { readonly answer: Answer | null; readonly policy: string }, names: RoundNames): string {
  return `${subject} ${tell(before.answer, names)} under ${before.policy}; under ${after.policy} it ${tell(after.answer, names)}.`;
}

/** Of a record to which its own inputs do not lead any more. */
export function notReproducedSentence(subject: string, decided: Answer | null, again: Answer | null, names: RoundNames): string {
  return `Recorded is that ${subject} ${tell(decided, names)}; from the same inputs it ${tell(again, names)} now. Another version of ParaVCL, or of the placement module, decided then.`;
}

function tell(answer: Answer | null, names: RoundNames): string {
  if (answer === null) return 'is not decided about';
  const { kind, place, subject } = answer;
  const host = answer.slaveId === null ? 'a host' : names.slave(answer.slaveId);
  const victims = answer.victimIds.map(names.instance);
  const giveWay = `${listed(victims, 'others')} ${victims.length === 1 ? 'gives' : 'give'} way`;
  switch (kind) {
    case 'place':
      return `goes to ${host}`;
    case 'resume':
      return `goes on where its disk is, on ${host}`;
    case 'preempt':
      return subject.type === 'reservation' ? `has its room on ${host} called back, and ${giveWay}` : `is to have room on ${host}, where ${giveWay}`;
    case 'queue':
      return place === null ? 'waits' : `waits as the ${ordinal(place)} in line`;
    case 'refuse':
      return 'is given up';
    case 'reserve':
      return 'is admitted';
    case 'move':
      return 'gives way to a stronger one';
  }
}
