import { getOperation, type Operation } from '@paravcl/shared/api/operations';
import { getInstance } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { patienceMs } from './enrol-and-approve';

/** Follows long work to its end; throws with its sentence when it failed or was superseded. */
export async function followOperation(client: ApiClient, operation: Operation, everyMs = 50): Promise<void> {
  let sentence = operation.sentence;
  await eventually(
    `the end of ${operation.kind}`,
    patienceMs,
    async () => {
      const now = await client.call(getOperation, { params: { operationId: operation.id } });
      sentence = now.sentence;
      if (now.state === 'failed' || now.state === 'superseded') throw new Error(`${now.kind} ${now.state}: ${now.sentence}`);
      return now.state === 'done' ? true : undefined;
    },
    { everyMs, state: () => sentence },
  );
}

/** Waits until an instance is as asked; throws with its reason when it failed instead. */
export async function instanceWhere(client: ApiClient, instanceId: string, what: string, holds: (instance: Instance) => boolean, everyMs = 50): Promise<Instance> {
  let seen = 'nothing';
  return eventually(
    what,
    patienceMs,
    async () => {
      const instance = await client.call(getInstance, { params: { instanceId } });
      seen = `${instance.observed}${instance.reason === null ? '' : ` (${instance.reason.sentence})`}`;
      if (holds(instance)) return instance;
      if (instance.observed === 'failed') throw new Error(`${instance.name} failed: ${instance.reason?.sentence ?? 'no reason given'}`);
      return undefined;
    },
    { everyMs, state: () => seen },
  );
}
