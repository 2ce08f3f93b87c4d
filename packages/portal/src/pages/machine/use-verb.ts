import type { Instance } from '@paravcl/shared/domain/instance';
import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query';
import { useState } from 'react';
import type { CallOptions } from '@paravcl/shared/client/master-client';
import { call } from '../../api/call';
import { IntentKeys } from '../../api/intent-keys';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Topic } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import type { Verb } from './verbs';

/** A verb with what it was told beside; `open` is a link and no request. */
export interface Wish {
  readonly verb: Exclude<Verb, 'open'>;
  readonly minutes?: number;
  readonly name?: string;
  readonly ram?: boolean;
  readonly toProduction?: boolean;
}

const changed: readonly Topic[] = ['instances', 'operations', 'snapshots', 'pool'];

/** Does something to a machine. What the master warns of is said; how it goes on is seen at the machine. */
export function useVerb({ id }: Pick<Instance, 'id'>): UseMutationResult<readonly string[], ApiProblem, Wish> {
  const [keys] = useState(() => new IntentKeys());
  const client = useQueryClient();
  const say = useSay();
  return useMutation<readonly string[], ApiProblem, Wish>({
    mutationFn: (wish) => keys.ask([id, wish], (key) => ask(id, wish, { key })),
    onSuccess: (warnings) => warnings.forEach((warning) => say(warning, 'warning')),
    onSettled: async () => {
      await Promise.all(changed.map((topic) => client.invalidateQueries({ queryKey: [topic] })));
    },
  });
}

async function ask(instanceId: string, { verb, minutes, name, ram = false, toProduction = false }: Wish, once: CallOptions): Promise<readonly string[]> {
  const params = { instanceId };
  const body = minutes === undefined ? {} : { minutes };
  switch (verb) {
    case 'resume':
    // New time is given by asking for what is already so.
    case 'moreTime':
      return (await call('post /instances/:instanceId/resume', { params, body }, once)).warnings;
    case 'start':
    case 'retry':
      return (await call('post /instances/:instanceId/start', { params, body }, once)).warnings;
    case 'suspend':
      return (await call('post /instances/:instanceId/suspend', { params }, once)).warnings;
    case 'stop':
    case 'powerOff':
      return (await call('post /instances/:instanceId/stop', { params, body: { force: verb === 'powerOff' } }, once)).warnings;
    case 'move':
      return (await call('post /instances/:instanceId/move', { params }, once)).warnings;
    case 'recover':
      return (await call('post /instances/:instanceId/recover', { params, body: {} }, once)).warnings;
    case 'reset':
      return (await call('post /instances/:instanceId/reset', { params, body: { toProduction } }, once)).warnings;
    case 'restore':
      return (await call('post /instances/:instanceId/restore', { params }, once)).warnings;
    case 'recycle':
    case 'delete':
      return (await call('delete /instances/:instanceId', { params, query: { recycle: verb === 'recycle' ? 'true' : 'false' } })).warnings;
    case 'snapshot':
      await call('post /snapshots', { body: { instanceIds: [instanceId], ram, ...(name === undefined || name === '' ? {} : { name }) } }, once);
      return [];
  }
}
