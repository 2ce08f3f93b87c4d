import { PassThrough } from 'node:stream';
import { Output } from './output';

function rig(options: { readonly env?: Record<string, string>; readonly tty?: boolean; readonly json?: boolean } = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()].map((stream) => Object.assign(stream, { isTTY: options.tty === true, columns: 40 }));
  if (stdout === undefined || stderr === undefined) throw new Error('no streams');
  const output = new Output({ env: options.env ?? {}, stdout, stderr }, { json: options.json === true, wide: false });
  return { output, out: () => String(stdout.read() ?? ''), err: () => String(stderr.read() ?? '') };
}

it('paints on a terminal alone, and not for who set NO_COLOR', () => {
  const show = (made: ReturnType<typeof rig>): string => {
    made.output.heading('Hosts');
    return made.out();
  };
  expect(show(rig({ tty: true }))).toContain('\u001b[');
  for (const made of [rig(), rig({ tty: true, env: { NO_COLOR: '1' } }), rig({ tty: true, env: { TERM: 'dumb' } })]) expect(show(made)).toBe('Hosts\n');
  expect(show(rig({ tty: true, env: { NO_COLOR: '' } }))).toContain('\u001b[');
});

it('tells progress as a line for each change where nobody watches, and as one line where somebody does', () => {
  const quiet = rig();
  for (const sentence of ['booting', 'booting', 'running']) quiet.output.progress(sentence);
  expect(quiet.err()).toBe('booting\nrunning\n');
  const watched = rig({ tty: true });
  watched.output.progress('booting');
  watched.output.line('done');
  expect(watched.err()).toBe('\r\u001b[Kbooting\r\u001b[K');
  expect(watched.out()).toBe('done\n');
});

it('writes nothing but data to standard output', () => {
  const made = rig();
  made.output.table([{ title: 'A', cell: () => '' }], [], 'There are none.');
  made.output.warn('careful');
  made.output.error({ detail: 'It was refused.', try: 'paravcl whoami' });
  expect(made.out()).toBe('');
  expect(made.err()).toBe('There are none.\ncareful\nError: It was refused.\nTry: paravcl whoami\n');
});

it('writes errors as JSON where JSON was asked for, with nothing in it that a terminal obeys', () => {
  const made = rig({ json: true });
  made.output.error({ detail: 'no \u009b2J', try: null });
  expect(made.err()).toBe('{\n  "error": {\n    "detail": "no \\u009b2J",\n    "try": null\n  }\n}\n');
});
