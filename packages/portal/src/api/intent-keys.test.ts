import { IntentKeys } from './intent-keys';
import { ApiProblem } from '@paravcl/shared/client/api-problem';

let made: number;
let nowMs: number;
let keys: IntentKeys;
beforeEach(() => {
  made = 0;
  nowMs = 0;
  keys = new IntentKeys(() => `key ${String(++made)}`, () => nowMs);
});

const launch = { body: { imageId: 'noble' } };
const done = (key: string): Promise<string> => Promise.resolve(key);
const fails = (status: number) => async (key: string): Promise<string> => {
  await Promise.resolve();
  throw new ApiProblem({ status, detail: key });
};

describe('the key of what somebody wants done', () => {
  it.each([[0, 'no answer came'], [500, 'the master met a fault'], [409, 'the first request still ran']])('is the same when it is asked again after %d: %s', async (status) => {
    await expect(keys.ask(launch, fails(status))).rejects.toThrow('key 1');
    await expect(keys.ask({ body: { imageId: 'noble' } }, fails(status))).rejects.toThrow('key 1');
    expect(await keys.ask(launch, done)).toBe('key 1');
  });

  it('is a new one for the next of its kind once it is done', async () => {
    expect(await keys.ask(launch, done)).toBe('key 1');
    expect(await keys.ask(launch, done)).toBe('key 2');
  });

  it('is kept for two minutes after a failure, however long that took', async () => {
    const slowly = (key: string): Promise<string> => {
      nowMs += 180_000;
      return fails(0)(key);
    };
    await expect(keys.ask(launch, slowly)).rejects.toThrow('key 1');
    nowMs += 120_000;
    await expect(keys.ask(launch, fails(0))).rejects.toThrow('key 1');
    nowMs += 120_001;
    expect(await keys.ask(launch, done)).toBe('key 2');
  });

  it('is not that of something else', async () => {
    await expect(keys.ask(launch, fails(0))).rejects.toThrow('key 1');
    expect(await keys.ask({ body: { imageId: 'jammy' } }, done)).toBe('key 2');
    expect(await keys.ask(launch, done)).toBe('key 1');
  });

  it('is shared by two clicks of which the first has no answer yet', async () => {
    expect(await Promise.all([keys.ask(launch, done), keys.ask(launch, done)])).toEqual(['key 1', 'key 1']);
  });
});
