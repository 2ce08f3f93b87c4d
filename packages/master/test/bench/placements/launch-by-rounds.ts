import type { UnitOfWork } from '../../../src/db/unit-of-work';
import type { CommittedChanges } from '../../../src/repositories/committed-changes';
import type { Launcher } from './prepared-launches';

/** A launch as it is without a call that places: written as one that waits, and placed by the scheduler's next rounds, which its caller hears of. */
export function launchByRounds({ unitOfWork, changes, wake }: { readonly unitOfWork: UnitOfWork; readonly changes: Pick<CommittedChanges, 'hear'>; readonly wake: () => void }): Launcher['launch'] {
  const waiting = new Map<string, () => void>();
  changes.hear((told) => {
    for (const { topic, id } of told) if (topic === 'instances') waiting.get(id)?.();
  });
  return async ({ instance, event, asker }) => {
    await unitOfWork.transaction(async (repositories) => {
      await repositories.instances.insert(instance);
      await repositories.transitions.append({ instanceId: instance.id, at: instance.createdAt, generation: 1, desired: 'running', from: null, to: 'requested', slaveId: null, reason: null, by: asker });
      await repositories.events.append(event, instance.createdAt);
    });
    const changed = new Promise<void>((resolve) => waiting.set(instance.id, resolve));
    wake();
    await changed;
    waiting.delete(instance.id);
    const decided = await unitOfWork.read.instances.find(instance.id);
    if (decided === null) throw new Error(`Instance ${instance.name} is gone from the books.`);
    return { instance: decided };
  };
}
