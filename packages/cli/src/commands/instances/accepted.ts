import type { Answered } from '@paravcl/shared/client/routes';
import type { Context } from '../../context';
import type { InstanceItem } from '../../names/kinds';
import { line } from '../../output/advice';
import { follow } from '../../talk/follow';
import { sayPledge } from '../../talk/join-way';

export type Accepted = Answered<'post /instances'>;

/** Says what was accepted and, unless told not to, waits for its end: then the sentence, or the answer of the API as it stands then. */
export async function sayAccepted(context: Context, accepted: Accepted, wait: boolean, done: (instance: InstanceItem) => string): Promise<void> {
  const { output } = context;
  for (const warning of accepted.warnings) output.warn(warning);
  const { name, id } = accepted.instance;
  if (accepted.pledge !== null && !output.json) sayPledge(context, accepted.pledge, await context.times());
  if (!wait) {
    if (output.json) return output.document(accepted);
    return output.line(`${name}: ${accepted.operation.sentence}`);
  }
  const operation = await follow(context, accepted.operation, line`paravcl instances show ${{ id, name }}`);
  const instance = await context.call('get /instances/:instanceId', { params: { instanceId: id } });
  if (output.json) return output.document({ ...accepted, instance, operation });
  // One that is deleted has given its name back; people know it by the old one.
  output.line(done({ ...instance, name }));
}
