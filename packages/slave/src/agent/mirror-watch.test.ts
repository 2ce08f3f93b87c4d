import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { silentAfterMs } from './answer-watch';
import { MirrorWatch } from './mirror-watch';

test('a mirror is silent from its first failure, back for half a minute from its first answer, and then well; a long silence is told', async () => {
  const clock = new HandClock();
  let answers = true;
  const told: string[] = [];
  const watch = new MirrorWatch(clock, { status: () => (answers ? Promise.resolve('well') : Promise.reject(new Error('no'))) }, {
    onSilent: () => told.push('silent'),
    onBack: () => told.push('back'),
    onAnswer: () => told.push('answers'),
  });
  watch.start();
  await turn();
  expect(watch.standing).toBe('well');
  answers = false;
  await clock.advance(3000);
  expect(watch.standing).toBe('silent');
  answers = true;
  await clock.advance(1000);
  expect([watch.standing, told]).toEqual(['back', ['back']]);
  answers = false;
  await clock.advance(3000 + silentAfterMs);
  expect([watch.standing, told]).toEqual(['silent', ['back', 'silent']]);
  answers = true;
  await clock.advance(1000);
  expect([watch.standing, told]).toEqual(['back', ['back', 'silent', 'back', 'answers']]);
  await clock.advance(29_000);
  expect(watch.standing).toBe('back');
  await clock.advance(2000);
  expect(watch.standing).toBe('well');
  watch.stop();
});
