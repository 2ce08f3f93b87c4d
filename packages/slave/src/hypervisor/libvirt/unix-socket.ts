import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect as connectTo, type Socket } from 'node:net';
import { HypervisorError } from '../driver';

export function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** O_PATH of open(2), which Node does not name. */
const openPath = 0o10000000;

/** To the socket itself: where a guest's QEMU may write, a link could lead to any socket of this host, and root passes every one. */
export async function connectedToNoLink(path: string): Promise<Socket> {
  const handle = await open(path, openPath | constants.O_NOFOLLOW);
  try {
    if (!(await handle.stat()).isSocket()) throw new HypervisorError('failed', `${path} is no socket`);
    return await connected(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}
