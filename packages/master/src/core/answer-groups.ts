import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { said, type Said } from './columns';
import type { Refusal } from './feasible';

/** There will be room when who has it ends. */
export const willHaveRoom = ({ code, room }: Group): boolean => room || code === 'KeptForReservation' || code === 'PreparingOthers';

/** Answers that say the same. */
export interface Group extends Pick<Refusal, 'code' | 'passing' | 'room'> {
  readonly name: string;
}

export function groupOf({ code, passing, room }: Pick<Refusal, 'code' | 'passing' | 'room'>): Group {
  return { name: `${code} ${String(passing)} ${String(room)}`, code, passing, room };
}

const lasting = (code: ReasonCode): Group => groupOf({ code, passing: false, room: false });
const passing = (code: ReasonCode): Group => groupOf({ code, passing: true, room: false });
const noRoom = (code: ReasonCode): Group => groupOf({ code, passing: true, room: true });

/** What figures refuse so near the critical limit that it takes no more. */
export const aboveLimit = noRoom('CriticalLimit');
/** How what figures say refuses one. */
export const groups: Readonly<Record<Exclude<Said, 0 | 1>, Group>> = {
  [said.NoSlaveFits]: lasting('NoSlaveFits'),
  [said.NotChosen]: lasting('NotChosen'),
  [said.TooSlow]: lasting('TooSlow'),
  [said.NotEnoughDisk]: passing('NotEnoughDisk'),
  [said.NotEnoughCores]: noRoom('NotEnoughCores'),
  [said.NotEnoughRam]: noRoom('NotEnoughRam'),
  [said.NotEnoughBandwidth]: noRoom('NotEnoughBandwidth'),
  [said.KeptForReservation]: passing('KeptForReservation'),
};
