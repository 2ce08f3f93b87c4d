import { maxClockOffsetMs, type Describe } from '@paravcl/shared/domain/slave';

interface Described {
  readonly name: string;
  readonly describe: Pick<Describe, 'clockOffsetMs' | 'troubles'>;
  /** An administrator declared it dead, and it has not come back since. */
  readonly isDead: boolean;
}

/** What an operator should mend on a slave, one sentence each with the way out; empty when all is well. */
export function slaveWarnings({ name, describe, isDead }: Described): readonly string[] {
  const clock = clockWrong(name, describe.clockOffsetMs);
  const dead = `${name} was declared dead: what was lost with it, and has a snapshot, can start elsewhere (paravcl instances recover NAME). When it is back, that is over by itself; when it never comes back, retire it.`;
  return [...(isDead ? [dead] : []), ...(clock === null ? [] : [clock]), ...(describe.troubles ?? []).map(({ sentence }) => sentence)];
}

/** Why no end of an instance's time can be kept on this slave; null when its clock is right, or not measured yet. */
export function clockWrong(name: string, clockOffsetMs: number | null): string | null {
  if (clockOffsetMs === null || Math.abs(clockOffsetMs) <= maxClockOffsetMs) return null;
  const seconds = Math.round(Math.abs(clockOffsetMs) / 1000);
  const how = clockOffsetMs > 0 ? 'ahead of' : 'behind';
  return (
    `The clock of ${name} is ${seconds} s ${how} the master's; from ${maxClockOffsetMs / 1000} s on no instance with an end starts there. ` +
    'Let NTP set both clocks (with chrony: chronyc makestep).'
  );
}
