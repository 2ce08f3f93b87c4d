import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context';

const everyMs = 700;

/** Answers how one stands a moment later. Throws as the client does, and what the signal was aborted with. */
export type AskInstall = (id: string, signal: AbortSignal) => Promise<HostInstall>;

/** Of one that is followed alone. */
export function askAlone(context: Context): AskInstall {
  return async (id, signal) => {
    await pause(everyMs, undefined, { signal });
    return context.call('get /host-installs/:hostInstallId', { params: { hostInstallId: id } }, signal);
  };
}

/** Of many that are followed at a time: one list of what runs tells of all of them, and each that is not in it any more is asked for once. */
export function askTogether(context: Context): AskInstall {
  let round: Promise<ReadonlyMap<string, HostInstall>> | null = null;
  const ask = async (signal: AbortSignal): Promise<ReadonlyMap<string, HostInstall>> => {
    try {
      await pause(everyMs, undefined, { signal });
      const { items } = await context.list('get /host-installs', { state: 'running' }, { signal });
      return new Map(items.map((install) => [install.id, install]));
    } finally {
      round = null;
    }
  };
  return async (id, signal) => (await (round ??= ask(signal))).get(id) ?? context.call('get /host-installs/:hostInstallId', { params: { hostInstallId: id } }, signal);
}
