import type { Instance } from '@paravcl/shared/domain/instance';

/** The way of a launch, from the click to a machine that answers. */
export const launchSteps = ['placed', 'image', 'booting', 'reachable'] as const;
export type LaunchStep = (typeof launchSteps)[number];

export interface Progress {
  readonly step: LaunchStep;
  /** How much of the image is there; null when nobody says. */
  readonly percent: number | null;
}

/** How far a launch is; null when none is under way. A machine in the queue is on no way yet: its place in the queue is told instead. */
export function progressOf({ observed, desired }: Pick<Instance, 'observed' | 'desired'>, sentence: string | null): Progress | null {
  if (desired !== 'running') return null;
  const percent = /(\d+) %/.exec(sentence ?? '')?.[1];
  switch (observed) {
    case 'requested':
      return { step: 'placed', percent: null };
    case 'preparing':
      return { step: 'image', percent: percent === undefined ? null : Number(percent) };
    case 'booting':
      return { step: 'booting', percent: null };
    default:
      return null;
  }
}

/** A step as it stands, in the words of PatternFly's stepper. */
export function standingOf(step: LaunchStep, now: LaunchStep): 'success' | 'info' | 'pending' {
  const [own, present] = [launchSteps.indexOf(step), launchSteps.indexOf(now)];
  return own < present ? 'success' : own === present ? 'info' : 'pending';
}
