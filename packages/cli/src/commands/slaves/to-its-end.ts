import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { Context } from '../../context';
import { Refusal } from '../../errors/refusal';
import { followInstall, whyNot } from '../../hosts/follow-install';
import { line } from '../../output/advice';

/** Follows what is done to a host to its end, and says what came of it. `again`: the line that goes on with it. Throws Refusal where it did not succeed, or is not waited for any more. */
export async function toItsEnd(context: Context, begun: HostInstall, again: string): Promise<void> {
  const ended = await context.world.interruptible(async (signal) => {
    try {
      return await followInstall(context, begun, null, signal);
    } catch (error) {
      if (signal.aborted) throw new Refusal('You do not wait for it any more; the master goes on with it.', line`paravcl slaves installs follow ${begun.id}, or cancel instead of follow`);
      throw error;
    }
  });
  if (context.output.json) context.output.document(ended);
  if (ended.state !== 'succeeded') throw new Refusal(`${ended.state === 'failed' ? 'It failed at ' : ''}${whyNot(ended)}`, `${again}${ended.state === 'failed' ? ', once that is mended' : ''}: it goes on where it was`);
  if (!context.output.json) context.output.line(ended.sentence);
}
