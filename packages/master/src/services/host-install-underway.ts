import { ParavclError } from '@paravcl/shared/errors';
import { HostInstallFault, type HostPlace } from './host-install-ports';

/** What lets somebody in is in memory for each of these. */
const mostWaiting = 100;

/** One host that is worked on, from before it is in the books until nothing of it goes on there. */
export class Underway {
  readonly abort = new AbortController();
  /** Of the machine behind the address, once somebody has logged in. */
  machineId: string | null = null;
  /** Its steps are over: its end is written down, and what it leaves there is tidied up. */
  isEnding = false;
  readonly ended: Promise<void>;
  readonly over: Promise<void>;
  private resolveEnded: () => void = () => undefined;
  private resolveOver: () => void = () => undefined;

  constructor(
    readonly id: string,
    readonly place: HostPlace,
  ) {
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    this.over = new Promise((resolve) => (this.resolveOver = resolve));
  }

  end(): void {
    this.isEnding = true;
    this.resolveEnded();
  }

  leave(): void {
    this.end();
    this.resolveOver();
  }
}

/** The hosts that are worked on or wait for it. INVARIANT: no place and no machine is there twice. */
export class HostsUnderway {
  private readonly all = new Map<string, Underway>();

  constructor(private readonly atOnce: number) {}

  find(id: string): Underway | null {
    return this.all.get(id) ?? null;
  }

  list(): readonly Underway[] {
    return [...this.all.values()];
  }

  /** Waits for what comes to its end there. Throws `conflict` while that place is worked on, or where no more can wait. */
  async enter(id: string, place: HostPlace): Promise<Underway> {
    let other = this.at(place);
    while (other?.isEnding === true) {
      await other.over;
      other = this.at(place);
    }
    // No wait from here to its being there: of two that come at once, one is told of the other.
    if (other !== null) throw new ParavclError('conflict', `${place.address} is worked on already (host install ${other.id}). Follow that one, or cancel it first.`, { hostInstallId: other.id });
    if (this.all.size >= this.atOnce + mostWaiting) throw new ParavclError('conflict', `${this.all.size} hosts are worked on or wait for their turn, as many as this master takes on. Begin with ${place.address} when some of them have ended.`);
    const underway = new Underway(id, place);
    this.all.set(id, underway);
    return underway;
  }

  /** Somebody has logged in, and finds this machine. Throws HostInstallFault while it is worked on under another address. */
  claim(underway: Underway, machineId: string): void {
    if (machineId === '') return;
    const other = this.list().find((one) => one !== underway && one.machineId === machineId);
    if (other !== undefined) throw new HostInstallFault(`The machine behind ${underway.place.address} is worked on already, as ${other.place.address} (host install ${other.id}). Follow that one; begin again when it has ended. Where they are two machines, one was cloned from the other: give it a machine id of its own (rm /etc/machine-id; systemd-machine-id-setup).`);
    underway.machineId = machineId;
  }

  /** Nothing of it goes on any more. */
  leave(underway: Underway): void {
    this.all.delete(underway.id);
    underway.leave();
  }

  private at({ resolved, port }: HostPlace): Underway | null {
    return this.list().find(({ place }) => place.resolved === resolved && place.port === port) ?? null;
  }
}
