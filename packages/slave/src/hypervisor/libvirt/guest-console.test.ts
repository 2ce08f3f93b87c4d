import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { connectGuestConsole } from './guest-console';

let directory: string;
let server: Server;
let path: string;
const accepted: Socket[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paravcl-console-'));
  path = join(directory, 's.sock');
  server = createServer((socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterEach(async () => {
  for (const socket of accepted.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

const says = (devices: string) => ({ run: () => Promise.resolve(`<domain><devices>${devices}</devices></domain>`) });

test('connects to the socket that libvirt says the running guest has', async () => {
  for (const [kind, devices] of [
    ['serial', `<serial type='unix'><source mode='bind' path='${path}'/></serial>`],
    ['screen', `<graphics type='vnc' socket='${path}'><listen type='socket' socket='${path}'/></graphics>`],
  ] as const) {
    const stream = await connectGuestConsole(says(devices), 'id', kind);
    stream.write('hello');
    while (accepted.length === 0) await once(server, 'connection');
    const [heard] = (await once(accepted.pop() as Socket, 'data')) as [Buffer];
    expect(heard.toString()).toBe('hello');
    stream.destroy();
  }
});

test('never opens the pty of a guest that was started before its console was a socket', async () => {
  const pty = says("<serial type='pty'><source path='/dev/pts/3'/></serial>");
  await expect(connectGuestConsole(pty, 'id', 'serial')).rejects.toMatchObject({ code: 'unsupported', message: "This machine's serial console can be opened after its next start." });
});

test('follows no link that the guest’s QEMU may have put there', async () => {
  await symlink(path, join(directory, 'link'));
  await expect(connectGuestConsole(says(`<serial type='unix'><source path='${join(directory, 'link')}'/></serial>`), 'id', 'serial')).rejects.toMatchObject({ code: 'failed' });
  expect(accepted).toEqual([]);
});
