import { checkImages } from './check-images';
import type { CheckStanding, ImageStanding } from './mirror/control-api';

const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
const well: CheckStanding = { checkedChunks: 20, damagedChunks: 0, missingChunks: 0, fault: null };

/** A mirror with an answer for each time it is asked of an image; the last one for good. */
function mirrorOf(answers: Readonly<Record<string, readonly (Partial<CheckStanding> & { readonly done?: boolean })[]>>): { ask(id: string, want: string): Promise<ImageStanding> } {
  const asked = new Map<string, number>();
  return {
    ask: (id, want) => {
      if (want !== 'check') throw new Error('a check was to be asked for');
      const at = asked.get(id) ?? 0;
      asked.set(id, at + 1);
      const { done = true, ...check } = answers[id]?.[at] ?? {};
      if (answers[id] === undefined) return Promise.reject(new Error('The mirror of this host does not answer.'));
      return Promise.resolve({ manifest: id, sizeBytes: 512, done, complete: done, presentChunks: 20, totalChunks: 20, path: '/data', socket: '/nbd.sock', exportName: id, check: { ...well, ...check } });
    },
  };
}

async function checked(ids: readonly string[], mirror: ReturnType<typeof mirrorOf>): Promise<{ readonly status: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const status = await checkImages(mirror, ids, { pause: () => Promise.resolve(), write: (line) => lines.push(line) });
  return { status, lines };
}

it('follows each check, and ends well when all is right or was fetched again', async () => {
  const mirror = mirrorOf({ [one]: [{ done: false, checkedChunks: 0 }, { done: false, checkedChunks: 7 }, { done: false, checkedChunks: 7 }, { done: false, checkedChunks: 19 }, {}], [other]: [{ damagedChunks: 2 }] });
  expect(await checked([one, other], mirror)).toEqual({
    status: 0,
    lines: ['aaaaaaaaaaaa  30 % hashed', 'aaaaaaaaaaaa  90 % hashed', 'aaaaaaaaaaaa  every byte is right', 'bbbbbbbbbbbb  2 damaged chunks, fetched again', '2 of 2 images checked: 2 damaged chunks, 2 of them right again.'],
  });
});

it('ends with 1 when a chunk could not be fetched again', async () => {
  expect(await checked([one], mirrorOf({ [one]: [{ damagedChunks: 3, missingChunks: 1 }] }))).toEqual({
    status: 1,
    lines: ['aaaaaaaaaaaa  3 damaged chunks; 1 could not be fetched again now, the mirror tries on', '1 of 1 image checked: 3 damaged chunks, 2 of them right again.'],
  });
});

it('ends with 1 when an image could not be checked, and goes on with the next one', async () => {
  const { status, lines } = await checked([one, other], mirrorOf({ [other]: [{ fault: 'EIO: i/o error, fdatasync' }] }));
  expect([status, lines]).toEqual([
    1,
    ['aaaaaaaaaaaa  could not be checked: The mirror of this host does not answer.', 'bbbbbbbbbbbb  could not be checked: EIO: i/o error, fdatasync', '0 of 2 images checked: 0 damaged chunks, 0 of them right again.'],
  ]);
});
