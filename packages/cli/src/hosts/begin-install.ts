import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { line } from '../output/advice';

/** It may end between the refusal and its being asked for. */
const againMs = 700;
const mostTries = 2;

/**
 * Begins what is done to a host; where the same is under way there, answers that, to be followed: somebody stopped waiting and says the same line again.
 * `isSame`: that the other one is what is asked for. `called`: put before what is said, where several are begun. Throws Refusal where something else is
 * done there.
 */
export async function beginOrFollow(context: Context, begin: () => Promise<HostInstall>, { isSame, called = null, signal }: { readonly isSame: (other: HostInstall) => boolean; readonly called?: string | null; readonly signal?: AbortSignal }): Promise<HostInstall> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await begin();
    } catch (error) {
      const id = error instanceof ApiProblem && error.problem.code === 'conflict' ? error.problem.hostInstallId : undefined;
      if (id === undefined) throw error;
      const other = await context.call('get /host-installs/:hostInstallId', { params: { hostInstallId: id } }, signal);
      if (other.state === 'running') {
        if (!isSame(other)) throw new Refusal((error as Error).message, line`paravcl slaves installs follow ${id}`);
        context.output.say(`${called === null ? '' : `${called}: `}This is under way since ${(await context.times()).moment(other.createdAt)} (${id}); here is how it goes on.`);
        return other;
      }
      if (tries === mostTries) throw error;
      await pause(againMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** The same host as far as its address says it: as it was typed, or as the name leads there. */
export function isAt({ address, port }: Pick<HostInstall, 'address' | 'port'>, shown: { readonly address: string; readonly resolved: string; readonly port: number }): boolean {
  return port === shown.port && [shown.address, shown.resolved].some((one) => one.toLowerCase() === address.toLowerCase());
}
