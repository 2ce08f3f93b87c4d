import { HashQueue } from './hash-queue';

/** Work that ends when it is told. */
function held(): { readonly work: () => Promise<string>; readonly end: (value: string) => void; started: boolean } {
  let end: (value: string) => void = () => undefined;
  const done = new Promise<string>((resolve) => (end = resolve));
  const piece = {
    started: false,
    work: () => {
      piece.started = true;
      return done;
    },
    end: (value: string) => end(value),
  };
  return piece;
}

test('two run, the others wait in order, and each gets its own answer', async () => {
  const queue = new HashQueue(2, 10);
  const pieces = Array.from({ length: 5 }, held);
  const answers = pieces.map((piece) => queue.run(piece.work));
  const started = (): number[] => pieces.flatMap((piece, i) => (piece.started ? [i] : []));
  await Promise.resolve();
  expect(started()).toEqual([0, 1]);
  pieces[1]?.end('one');
  expect(await answers[1]).toBe('one');
  expect(started()).toEqual([0, 1, 2]);
  for (const [i, piece] of pieces.entries()) piece.end(`piece ${i}`);
  expect(await Promise.all(answers)).toEqual(['piece 0', 'one', 'piece 2', 'piece 3', 'piece 4']);
});

test('work that throws gives its place on', async () => {
  const queue = new HashQueue(1, 10);
  const failing = queue.run(() => Promise.reject(new Error('no')));
  const next = queue.run(() => Promise.resolve('yes'));
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('yes');
  expect(await queue.run(() => Promise.resolve('again'))).toBe('again');
});

test('beyond its capacity the queue says when to come back, and goes on', async () => {
  const queue = new HashQueue(1, 2);
  const piece = held();
  const running = [queue.run(piece.work), queue.run(piece.work), queue.run(piece.work)];
  await expect(queue.run(piece.work)).rejects.toMatchObject({ code: 'rate-limited', detail: { retryAfterSeconds: 60 } });
  piece.end('done');
  expect(await Promise.all(running)).toEqual(['done', 'done', 'done']);
});
