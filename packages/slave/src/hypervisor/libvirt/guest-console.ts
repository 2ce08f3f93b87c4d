import type { Duplex } from 'node:stream';
import { type ConsoleKind, HypervisorError } from '../driver';
import { connectedToNoLink } from './unix-socket';
import type { Virsh } from './virsh';
import { child, childrenNamed, readXml, type XmlElement } from './xml';

/** Connects to a console of an active domain, where it was started with it: its definition may be newer than its QEMU. */
export async function connectGuestConsole(virsh: Pick<Virsh, 'run'>, uuid: string, kind: ConsoleKind): Promise<Duplex> {
  const devices = child(readXml(await virsh.run(['dumpxml', '--domain', uuid])), 'devices');
  const path = kind === 'screen' ? screenSocket(devices) : serialSocket(devices);
  if (path === undefined) throw new HypervisorError('unsupported', kind === 'screen' ? 'This machine has no screen.' : "This machine's serial console can be opened after its next start.");
  return connectedToNoLink(path).catch((error: unknown) => {
    throw new HypervisorError('failed', `The ${kind} of this machine does not answer: ${(error as Error).message}`, { cause: error });
  });
}

function screenSocket(devices: XmlElement | undefined): string | undefined {
  const vnc = childrenNamed(devices, 'graphics').find(({ attributes }) => attributes['type'] === 'vnc');
  return childrenNamed(vnc, 'listen').find(({ attributes }) => attributes['type'] === 'socket')?.attributes['socket'];
}

/** Those that were started before it was a socket have a pty there. */
function serialSocket(devices: XmlElement | undefined): string | undefined {
  const serial = child(devices, 'serial');
  return serial?.attributes['type'] === 'unix' ? child(serial, 'source')?.attributes['path'] : undefined;
}
