import { HostInstallFault, type HostAnswer, type HostCommand, type HostConnection } from './host-install-ports';
import { HostVisit } from './host-visit';

const directory = '/var/tmp/paravcl-install.Ab0';
const script = '/run/paravcl-install/0123456789abcdef.sh';
const nothing: HostAnswer = { code: 0, out: '', err: '' };

interface Said {
  readonly line: string;
  readonly isRoot: boolean;
}

/** Writes down what it is told to run. */
function connectionThat(answer: (said: Said) => HostAnswer | Error): { readonly connection: HostConnection; readonly said: Said[] } {
  const said: Said[] = [];
  const run = (command: readonly string[], { asRoot = false }: HostCommand): Promise<HostAnswer> => {
    const one = { line: command.join(' '), isRoot: asRoot };
    said.push(one);
    const answered = answer(one);
    return answered instanceof Error ? Promise.reject(answered) : Promise.resolve(answered);
  };
  return { connection: { run } as unknown as HostConnection, said };
}

test('at its end the login’s directory is removed, and root’s script with its place', async () => {
  const { connection, said } = connectionThat(() => nothing);
  await new HostVisit('lab-pc-07', connection, directory, script).end();
  expect(said).toEqual([
    { line: `rm -rf -- ${directory}`, isRoot: false },
    { line: `rm -f -- ${script}`, isRoot: true },
    { line: 'rmdir -- /run/paravcl-install', isRoot: true },
  ]);
});

test('where sudo does not get to remove root’s script in time, the login’s directory goes all the same', async () => {
  const { connection, said } = connectionThat(({ isRoot }) => (isRoot ? new HostInstallFault('rm on lab-pc-07 did not end within 3 s.') : nothing));
  await new HostVisit('lab-pc-07', connection, directory, script).end();
  expect(said.map(({ line }) => line)).toContain(`rm -rf -- ${directory}`);
});

test('a verb waits for another installation for less time than it has itself', async () => {
  const telling = { signal: new AbortController().signal, say: () => undefined };
  const { connection, said } = connectionThat(() => nothing);
  const visit = new HostVisit('lab-pc-07', connection, directory, script);
  await visit.verb(['units'], { timeoutMs: 120_000, telling });
  await visit.verb(['packages'], { timeoutMs: 30 * 60_000, telling });
  expect(said.map(({ line }) => line)).toEqual([`timeout --kill-after=10 120 env PARAVCL_LOCK_SECONDS=90 sh ${script} units`, `timeout --kill-after=10 1800 env PARAVCL_LOCK_SECONDS=300 sh ${script} packages`]);
});
