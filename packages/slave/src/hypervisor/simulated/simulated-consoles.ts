import { duplexPair, type Duplex } from 'node:stream';
import type { ConsoleKind } from '../driver';
import { RfbScreen } from './rfb-screen';

/** Consoles of guests that are not there: a picture that answers keys, and a line that comes back as it was typed. They end with the guest. */
export class SimulatedConsoles {
  private readonly open = new Map<string, Set<Duplex>>();

  connect(instanceId: string, guestName: string, kind: ConsoleKind): Duplex {
    const [client, guest] = duplexPair();
    for (const end of [client, guest]) end.on('error', () => undefined);
    const ofGuest = this.open.get(instanceId) ?? new Set();
    this.open.set(instanceId, ofGuest.add(guest));
    // The two ends of a pair do not tell each other that they were destroyed.
    guest.once('close', () => {
      ofGuest.delete(guest);
      if (!guest.writableFinished) client.destroy();
    });
    client.once('close', () => guest.destroy());
    if (kind === 'screen') void new RfbScreen(guest, guestName).serve();
    else {
      guest.write(`simulated serial console of ${guestName}: there is no guest, and what is typed comes back\r\n`);
      guest.pipe(guest);
    }
    return client;
  }

  /** The guest is off. */
  end(instanceId: string): void {
    for (const guest of this.open.get(instanceId) ?? []) guest.end(() => guest.destroy());
    this.open.delete(instanceId);
  }
}
