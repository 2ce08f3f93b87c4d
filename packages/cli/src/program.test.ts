import { PassThrough } from 'node:stream';
import { listOf, programOf, run } from './program';
import type { World } from './world';

function rig(): { readonly world: World; readonly err: () => string } {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  return { world: { env: { PARAVCL_MASTER: 'https://127.0.0.1:1', PARAVCL_TOKEN: 'pva_none', XDG_CONFIG_HOME: '/nowhere' }, home: '/nowhere', stdin, stdout, stderr, now: () => 0, interruptible: (work) => work(new AbortController().signal) }, err: () => String(stderr.read() ?? '') };
}

describe('a line that is not understood', () => {
  it.each([[['instances', 'frob'], 'paravcl instances --help'], [['frob'], 'paravcl --help'], [['instances', 'list', '--frob'], 'paravcl instances list --help']])('%j is told with the help of what is known of it', async (words, tried) => {
    const { world, err } = rig();
    expect(await run(world, words)).toBe(2);
    expect(err()).toContain(`Try: ${tried}\n`);
  });
});

describe('a value that an option does not take', () => {
  it.each(['much', '10.5', '-1', '.5', ''])('is told with what it takes: --aging "%s"', async (aging) => {
    const { world, err } = rig();
    expect(await run(world, ['decisions', 'replay', '--id', '01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4', `--aging=${aging}`])).toBe(2);
    expect(err()).toContain(`--aging takes what an hour of waiting adds, from 0 to 10, not "${aging}".`);
  });
});

it('lists what something is about by a command that is there', () => {
  const program = programOf(rig().world);
  const listed = ['instances', 'console', 'ssh', 'why', 'snapshots', 'capacity', 'whoami', null].map((noun) => listOf(program, noun));
  expect(listed).toEqual(['paravcl instances list', 'paravcl instances list', 'paravcl instances list', 'paravcl instances list', 'paravcl snapshots list', null, null, null]);
});
