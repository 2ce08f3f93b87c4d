import fc from 'fast-check';
import { ReadAhead } from './read-ahead';

/** Asks for the turns of so many places in their order; tells which have begun. */
function asked(places: number) {
  const ahead = new ReadAhead();
  const begun: number[] = [];
  const done = new Map<number, () => void>();
  for (let place = 0; place < places; place += 1) {
    void ahead.turn(place).then((end) => {
      begun.push(place);
      done.set(place, end);
    });
  }
  return { ahead, begun, done };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('what is near begins at once, of what is further ahead two at a time', async () => {
  const { begun, done } = asked(60);
  await settle();
  expect(begun).toHaveLength(48 + 2);
  done.get(48)?.();
  await settle();
  expect(begun).toHaveLength(48 + 3);
  // One that is near takes no place of the others.
  done.get(0)?.();
  await settle();
  expect(begun).toHaveLength(48 + 3);
});

it('as the reader goes on more becomes near, eight places at a time, and never less', async () => {
  const { ahead, begun } = asked(100);
  ahead.read(7);
  await settle();
  expect(begun).toHaveLength(48 + 2);
  ahead.read(8);
  await settle();
  expect(begun.length).toBe(48 + 8);
  ahead.read(30);
  ahead.read(2);
  await settle();
  expect(begun.length).toBeGreaterThanOrEqual(48 + 24);
});

it('when nobody reads any more nobody waits', async () => {
  const { ahead, begun } = asked(200);
  ahead.end();
  await settle();
  expect(begun).toHaveLength(200);
});

it('whatever is read and ended, places begin in their order, at most two of those that were far when they began are under way, and in the end all have begun', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.record({ read: fc.nat(250) }), fc.record({ end: fc.nat(60) })), { maxLength: 40 }), async (steps) => {
      const { ahead, begun, done } = asked(200);
      let readTo = 0;
      const nearWhenBegun = new Map<number, boolean>();
      const look = async (): Promise<void> => {
        await settle();
        for (const place of begun) if (!nearWhenBegun.has(place)) nearWhenBegun.set(place, place < readTo - (readTo % 8) + 48);
        expect(begun).toEqual(begun.map((_, at) => at));
        expect(begun.filter((place) => nearWhenBegun.get(place) === false && done.has(place)).length).toBeLessThanOrEqual(2);
      };
      await look();
      for (const step of steps) {
        if ('read' in step) {
          readTo = Math.max(readTo, step.read);
          ahead.read(step.read);
        } else {
          const place = [...done.keys()][step.end];
          const end = place === undefined ? undefined : done.get(place);
          if (place !== undefined) done.delete(place);
          end?.();
        }
        await look();
      }
      for (let round = 0; begun.length < 200 && round < 400; round += 1) {
        for (const [place, end] of [...done]) {
          done.delete(place);
          end();
        }
        await settle();
      }
      expect(begun).toHaveLength(200);
    }),
    { numRuns: 60 },
  );
});
