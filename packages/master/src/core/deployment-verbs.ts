import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import { desiredByVerb, type Verb } from './verbs';

/** What a verb is for the whole of a deployment. */
interface WholeVerb {
  /** What is done to each instance. */
  readonly instanceVerb: Verb | 'reset';
  /** Of those it is done to: "38 of 40 running". */
  readonly reached: string;
  /** When it is so for all: "All 40 run." */
  readonly all: string;
  /** As in "alice started all of CL II." */
  readonly past: string;
}

/** The verbs for the whole of a deployment: each is one verb of instances, or a reset. A new one is one more row, and its route. */
export const deploymentVerbs = {
  start: { instanceVerb: 'start', reached: 'running', all: 'run', past: 'started' },
  stop: { instanceVerb: 'stop', reached: 'off', all: 'are off', past: 'stopped' },
  suspend: { instanceVerb: 'suspend', reached: 'saved', all: 'are saved', past: 'suspended' },
  resume: { instanceVerb: 'resume', reached: 'running', all: 'run', past: 'resumed' },
  reset: { instanceVerb: 'reset', reached: 'begun anew', all: 'began anew', past: 'reset' },
  delete: { instanceVerb: 'delete', reached: 'gone', all: 'are gone', past: 'deleted' },
} as const satisfies Readonly<Record<string, WholeVerb>>;

export type DeploymentVerb = keyof typeof deploymentVerbs;

/** What an operation about members wants of them: that they are made and run, a verb, or the end of what never ran. */
export type DeploymentAim = DeploymentVerb | 'make' | 'cancel';

/** Whether what is wished of a member is that it begins anew, from whichever version. */
export function isReset(wish: DeploymentVerb | 'cancel' | 'reset-production'): wish is 'reset' | 'reset-production' {
  return wish === 'reset' || wish === 'reset-production';
}

/** As operations keep it: `deployment.create`, `deployment.add`, `deployment.stop`, … */
export function aimOf(operationKind: string): DeploymentAim {
  const [noun, verb = ''] = operationKind.split('.');
  if (noun === 'deployment' && (verb === 'create' || verb === 'add')) return 'make';
  if (noun === 'deployment' && (verb === 'cancel' || Object.hasOwn(deploymentVerbs, verb))) return verb as DeploymentAim;
  throw new RangeError(`There is no operation ${operationKind} of deployments.`);
}

/** What its instances are to be then; null: what they were to be before, but what was saved is off. */
export function desiredByAim(aim: DeploymentAim): DesiredState | null {
  if (aim === 'make') return 'running';
  const verb = aim === 'cancel' ? 'delete' : deploymentVerbs[aim].instanceVerb;
  return verb === 'reset' ? null : desiredByVerb[verb];
}
