import type { EvacuationPart } from '../core/evacuation-record';
import type { Repositories } from '../repositories/repositories';

/**
 * The slave takes instances again: what has not left it stays, and what was saved for leaving goes on. Call it in the
 * transaction that puts it back. Answers what completes "alice put back lab-pc-07"; nothing when it was not being emptied.
 */
export async function putBack(repositories: Repositories, slave: { readonly id: string; readonly name: string }, userName: string, now: number): Promise<string> {
  let told = '';
  for (const { operationId, state } of await repositories.evacuations.lockOpenOf(slave.id)) {
    await repositories.evacuations.enter(operationId, 'returning');
    if (state !== 'pending') continue;
    const parts = await repositories.evacuations.parts([operationId]);
    const gone = parts.filter((part) => part.state === 'left').length;
    const sent = await beingSent(repositories, parts.flatMap((part) => (part.state === 'here' ? [part] : [])));
    const stay = `${gone === 0 ? 'nothing had left it' : `${gone} had left, ${gone === 1 ? 'it stays where it is' : 'they stay where they are'}`}${sent}`;
    const saved = parts.some((part) => part.state === 'here' && part.resumes !== null) ? ' What was saved for it goes on.' : '';
    await repositories.operations.progressOf(operationId, 'superseded', `${slave.name} was put back by ${userName}; ${stay}.${saved}`, now);
    told = `before it was empty: ${stay}`;
  }
  return told;
}

/** What is on its way as it runs comes to its end, wherever that is. */
async function beingSent({ liveMigrations }: Repositories, parts: readonly Pick<EvacuationPart, 'instanceId' | 'instanceName'>[]): Promise<string> {
  const open = await liveMigrations.openOf(parts.map(({ instanceId }) => instanceId));
  const names = parts.flatMap(({ instanceId, instanceName }) => (open.get(instanceId)?.state === 'sending' ? [instanceName] : []));
  return names.length === 0 ? '' : `, and ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} being sent already and may go`;
}
