import { call } from '../../../api/call';
import type { Verb } from './class-verbs';

/** What is said with a verb, for those that know it. */
export interface VerbOptions {
  /** Stop: take the power away at once. */
  readonly force?: boolean;
  /** Reset: begin from the version that is in production. */
  readonly toProduction?: boolean;
  /** Snapshot: what it is called; absent: its time. */
  readonly name?: string;
  /** Snapshot: with the RAM of what runs. */
  readonly ram?: boolean;
}

/** What the master said of a verb for many. */
export interface WholeAnswer {
  readonly refused: readonly { readonly slot: number; readonly sentence: string }[];
  readonly notes: readonly string[];
}

type EachVerb = Exclude<Verb, 'snapshot'>;

/** Tells all machines of a deployment at once. Throws ApiProblem. */
export async function askWhole(verb: EachVerb, deploymentId: string, { force = false, toProduction = false }: VerbOptions): Promise<WholeAnswer> {
  const params = { deploymentId };
  const { refused, warnings } = await (() => {
    switch (verb) {
      case 'stop':
        return call('post /deployments/:deploymentId/stop', { params, body: { force } });
      case 'reset':
        return call('post /deployments/:deploymentId/reset', { params, body: { toProduction } });
      case 'delete':
        return call('delete /deployments/:deploymentId', { params });
      default:
        return call(`post /deployments/:deploymentId/${verb}`, { params });
    }
  })();
  return { refused, notes: warnings };
}

/** Tells one machine. Throws ApiProblem. */
export function askOne(verb: EachVerb, instanceId: string, { force = false, toProduction = false }: VerbOptions): Promise<unknown> {
  const params = { instanceId };
  switch (verb) {
    case 'start':
    case 'resume':
      return call(`post /instances/:instanceId/${verb}`, { params, body: {} });
    case 'suspend':
      return call('post /instances/:instanceId/suspend', { params });
    case 'stop':
      return call('post /instances/:instanceId/stop', { params, body: { force } });
    case 'reset':
      return call('post /instances/:instanceId/reset', { params, body: { toProduction } });
    case 'delete':
      return call('delete /instances/:instanceId', { params });
  }
}

/** Keeps the disks of these machines, or of the whole deployment, as near to one moment as can be. Throws ApiProblem. */
export async function askSnapshot(of: { readonly deploymentId: string } | { readonly instanceIds: readonly string[] }, { name, ram = false }: VerbOptions): Promise<{ readonly taken: number; readonly sentence: string }> {
  const which = 'deploymentId' in of ? { deploymentId: of.deploymentId } : { instanceIds: [...of.instanceIds] };
  const { snapshot } = await call('post /snapshots', { body: { ...which, ram, ...(name === undefined || name.trim() === '' ? {} : { name }) } });
  return { taken: snapshot.parts.length, sentence: snapshot.sentence };
}
