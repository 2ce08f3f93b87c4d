import type { Context } from '../context';
import { confirmKeys, faultsOfKeys } from '../fabric/confirm-keys';
import { confirmKey, type ShownKey } from './confirm-key';

const fingerprint = `SHA256:${'a'.repeat(43)}`;
const shown = (standing: ShownKey['standing']): ShownKey => ({ address: 'lab-pc-07', resolved: '10.0.0.7', port: 22, keyType: 'ssh-ed25519', fingerprint, standing, sentence: 'As it stands.' });
const machine = (standing: ShownKey['standing']) => ({ line: 3, user: null, host: 'lab-pc-07', port: 22, shown: shown(standing) });

/** Somebody who says yes to all, or nobody. */
function somebody(canAsk: boolean): { readonly context: Context; readonly asked: string[] } {
  const asked: string[] = [];
  const quiet = (): void => undefined;
  const questions = { canAsk, confirm: (question: string) => (canAsk ? Promise.resolve(void asked.push(question)) : Promise.reject(new Error('Nobody can be asked.'))) };
  return { asked, context: { output: { say: quiet, warn: quiet }, questions } as never };
}

describe('the host key of one host', () => {
  it('is asked about once when it is new, and twice when it has changed', async () => {
    for (const [standing, times] of [['new', 1], ['changed', 2]] as const) {
      const { context, asked } = somebody(true);
      expect(await confirmKey(context, shown(standing), {})).toEqual({ hostKey: fingerprint, replaceHostKey: standing === 'changed' });
      expect(asked).toHaveLength(times);
    }
  });

  it('that has changed is asked about though its fingerprint was named, or --yes said', async () => {
    for (const options of [{ fingerprint }, { yes: true }]) {
      const { context, asked } = somebody(true);
      await confirmKey(context, shown('changed'), options);
      expect(asked.at(-1)).toMatch(/^It replaces the key that was confirmed before\./);
    }
  });

  it('that has changed needs both its fingerprint and --replace-host-key where nobody can be asked', async () => {
    const { context } = somebody(false);
    for (const options of [{}, { yes: true }, { fingerprint }, { replaceHostKey: true }, { yes: true, replaceHostKey: true }]) {
      await expect(confirmKey(context, shown('changed'), options)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('nothing was sent to the host') as string });
    }
    expect(await confirmKey(context, shown('changed'), { fingerprint, replaceHostKey: true })).toEqual({ hostKey: fingerprint, replaceHostKey: true });
    expect(await confirmKey(context, shown('known'), { fingerprint, replaceHostKey: true })).toEqual({ hostKey: fingerprint, replaceHostKey: false });
  });
});

describe('the host keys of a fabric', () => {
  it('that have changed are a fault at their line where nobody can be asked, unless they are to be replaced', async () => {
    const { context } = somebody(false);
    expect(await faultsOfKeys(context, 'pm', [machine('changed'), machine('new')], {})).toEqual([{ file: 'pm', line: 3, sentence: expect.stringContaining('--replace-host-key') as string }]);
    expect(await faultsOfKeys(context, 'pm', [machine('changed')], { replaceHostKey: true })).toEqual([]);
  });

  it('that have changed are asked about once more, also with --yes-host-keys', async () => {
    const { context, asked } = somebody(true);
    expect(await faultsOfKeys(context, 'pm', [machine('changed')], {})).toEqual([]);
    await confirmKeys(context, [machine('changed'), machine('new')], { yesHostKeys: true });
    expect(asked).toEqual([expect.stringMatching(/^lab-pc-07: these keys replace those that were confirmed before\./)]);
  });
});
