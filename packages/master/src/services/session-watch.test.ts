import { SessionWatch } from './session-watch';
import { HandClock } from '../../test/it/hand-clock';

const clock = new HandClock(1_800_000_000_000);

function watching(living: Set<string>): { readonly watch: SessionWatch; readonly asked: { readonly ids: readonly string[]; readonly idleSince: number }[] } {
  const asked: { ids: readonly string[]; idleSince: number }[] = [];
  const watch = new SessionWatch(
    {
      livingAmong: (ids, _now, idleSince) => {
        asked.push({ ids, idleSince });
        return Promise.resolve(ids.filter((id) => living.has(id)));
      },
    },
    clock,
    60_000,
  );
  return { watch, asked };
}

test('everything of a session ends with it, once, and what is of another goes on', async () => {
  const living = new Set(['mine', 'yours']);
  const { watch, asked } = watching(living);
  const ended: string[] = [];
  watch.watch('mine', () => ended.push('feed'));
  watch.watch('mine', () => ended.push('console'));
  watch.watch('yours', () => ended.push('other'));
  await watch.run();
  expect(ended).toEqual([]);
  living.delete('mine');
  await watch.run();
  await watch.run();
  expect(ended).toEqual(['feed', 'console']);
  expect(asked.at(-1)).toEqual({ ids: ['yours'], idleSince: clock.now() - 60_000 });
});

test('what was closed before is not called, and then nothing is asked', async () => {
  const { watch, asked } = watching(new Set());
  const leave = watch.watch('mine', () => {
    throw new Error('called');
  });
  leave();
  await watch.run();
  expect(asked).toEqual([]);
});
