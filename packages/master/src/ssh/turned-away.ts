import type { Clock } from '@paravcl/shared/clock';
import type { Socket } from 'node:net';
import { sshIdent, sshLimits } from './ssh-settings';

/** RFC 4253 11.1. */
const message = 1;
const tooManyConnections = 12;

/**
 * SSH_MSG_DISCONNECT as it is sent before keys are agreed on (RFC 4253 6): length, padding to a multiple of eight, no MAC. OpenSSH shows
 * the sentence, without -v too; it has to come after the identification of the server.
 */
export function plainDisconnect(sentence: string): Buffer {
  const said = Buffer.from(sentence);
  const uint32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  // Without a language tag.
  const payload = Buffer.concat([Buffer.of(message), uint32(tooManyConnections), uint32(said.length), said, uint32(0)]);
  // Four bytes of padding at least.
  const padding = 4 + ((8 - ((5 + payload.length + 4) % 8)) % 8);
  return Buffer.concat([uint32(1 + payload.length + padding), Buffer.of(padding), payload, Buffer.alloc(padding)]);
}

/** Clients that may not stay, and have a moment to read why and hang up. */
export class TurnedAway {
  private readonly leaving = new Set<Socket>();

  constructor(private readonly clock: Clock) {}

  /** Before it has said what it is. `wasGreeted`: it has read who we are. */
  tell(socket: Socket, sentence: string, wasGreeted: boolean): void {
    const reason = plainDisconnect(sentence);
    this.add(socket, () => socket.end(wasGreeted ? reason : Buffer.concat([Buffer.from(`SSH-2.0-${sshIdent}\r\n`), reason])));
  }

  add(socket: Socket, farewell: () => void): void {
    if (this.leaving.size >= sshLimits.mostLeaving) {
      socket.destroy();
      return;
    }
    this.leaving.add(socket);
    const cancel = this.clock.after(sshLimits.hangUpWithinMs, () => socket.destroy());
    socket.once('close', () => {
      cancel();
      this.leaving.delete(socket);
    });
    farewell();
    // What it has sent is read: the kernel resets a connection that is closed before that, and the reason is lost.
    socket.resume();
  }

  /** At once. */
  close(): void {
    for (const socket of this.leaving) socket.destroy();
  }
}
