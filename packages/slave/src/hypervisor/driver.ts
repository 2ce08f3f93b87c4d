import type { ImageFormat } from '@paravcl/shared/domain/image';
import type { ForeignDomain, HypervisorKind, SiteNetwork } from '@paravcl/shared/domain/slave';
import type { Duplex } from 'node:stream';

/**
 * The image below an overlay: a file of this host, named with its format so that libvirt never guesses one from the
 * content; or raw through a Network Block Device server of this host, which brings what is read of it.
 */
export type BackingImage =
  | { readonly kind: 'file'; readonly path: string; readonly format: ImageFormat }
  | { readonly kind: 'nbd'; readonly socket: string; readonly exportName: string };

/** Absolute paths of the files a domain uses, decided by the slave's own pool (`disks/pool.ts`), never by the master. */
export interface DomainFiles {
  /** The guest's disk, which it writes: qcow2 over `layers`, or over `backing` when there are none. */
  readonly overlay: string;
  /** Frozen qcow2 layers between `overlay` and `backing`, from the one below the overlay downwards. */
  readonly layers: readonly string[];
  readonly backing: BackingImage;
  readonly seed: string;
  readonly kernel: string | null;
  readonly ramdisk: string | null;
  readonly serialLog: string;
  /** At most 107 bytes, as `vncSocket`. */
  readonly serialSocket: string;
  /** Made by QEMU, so its directory must be writable by QEMU's user (libvirt-qemu); at most 107 bytes. */
  readonly vncSocket: string;
}

/** All that a guest's disk consists of. */
export type DiskChain = Pick<DomainFiles, 'overlay' | 'layers' | 'backing'>;

/** A second disk of the guest, which outlives it: qcow2 over what it held before, or over nothing. */
export interface HomeDisk {
  readonly overlay: string;
  readonly backing: BackingImage | null;
}

/** What a domain is made of. The mark (instance id, generation, slave id) is written into its `<metadata>`. */
export interface DomainSpec {
  readonly instanceId: string;
  readonly generation: number;
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly mac: string;
  readonly bandwidthMbps: number | null;
  readonly kernelArguments: string;
  readonly files: DomainFiles;
  /** Absent: it has none. */
  readonly homeDisk?: HomeDisk;
}

/**
 * State of one of our domains.
 * `saved` is off with its RAM kept, by a save or by `adoptRam`: the next start restores it.
 * `migrating` is paused without being whole here for certain: on its way to another host or from one, left so, or being restored.
 * `paused-io` is stopped by the hypervisor after a disk error (`error_policy='stop'`).
 */
export type DomainState = 'running' | 'paused' | 'migrating' | 'paused-io' | 'shutting-down' | 'off' | 'saved' | 'crashed';

export interface OwnedDomain {
  readonly instanceId: string;
  readonly generation: number;
  readonly name: string;
  readonly state: DomainState;
  /** It is off because its power was taken away, not by its guest; absent when that is not known. */
  readonly destroyed?: true;
}

export interface DomainInventory {
  readonly owned: readonly OwnedDomain[];
  readonly foreign: readonly ForeignDomain[];
}

/** An address that one MAC alone is given by DHCP. */
export interface AddressReservation {
  readonly mac: string;
  readonly address: string;
  readonly name: string;
}

export interface DomainStats {
  readonly cpuTimeNs: number;
  /** Time its virtual CPUs were ready and not run: the host is too full. */
  readonly cpuDelayNs: number;
  readonly ramKiB: number;
  readonly diskReadBytes: number;
  readonly diskWrittenBytes: number;
  readonly netReceivedBytes: number;
  readonly netSentBytes: number;
}

/** What the virtual CPUs of a guest did since it was started or restored, all of them together. */
export interface ProcessorTimes {
  readonly vcpus: number;
  readonly ranNs: number;
  /** Wanted to run and did not, by the kernel's run delay; of a guest that is capped also while it may not. */
  readonly delayedNs: number;
  /** The same by the kernel's scheduler statistics; 0 where they are off. */
  readonly waitedNs: number;
}

/** `screen` speaks the RFB protocol (RFC 6143), `serial` the bytes of the first serial port. */
export type ConsoleKind = 'screen' | 'serial';

/** A guest whose disk is to go on in `layer`: an empty qcow2 file that is there, over what it writes now. */
export interface DiskSwitch {
  readonly instanceId: string;
  readonly layer: string;
}

/** What became of one. With an error of `timeout` or `unavailable` nobody knows: `diskChain` tells later. */
export type SwitchedDisk =
  | {
      readonly instanceId: string;
      readonly ok: true;
      /** The guest's agent brought its file systems to rest for the moment of the switch. */
      readonly quiesced: boolean;
    }
  | { readonly instanceId: string; readonly ok: false; readonly error: HypervisorError };

/** A hint that something changed; the receiver lists again. `instanceId` is null when it cannot be told which. */
export interface DomainEvent {
  readonly instanceId: string | null;
  readonly what: 'lifecycle' | 'io-error' | 'resync';
}

export interface HypervisorVersion {
  readonly kind: HypervisorKind;
  readonly libvirt: string | null;
  readonly qemu: string | null;
  readonly machine: string | null;
  readonly cpu: string | null;
}

/**
 * The hypervisor of one host. Two things implement it: libvirt and the simulation; both pass
 * `driver.contract.ts`. Every call is idempotent: asked for what already is, it returns quietly. Calls
 * about a domain that is not there, or that bears no mark of ours, throw `HypervisorError`.
 */
export interface HypervisorDriver {
  /** Connects, starts the event stream. Throws `unavailable` when the hypervisor does not answer. */
  open(): Promise<void>;
  /** Ends the event stream; never touches a guest. */
  close(): Promise<void>;
  version(): Promise<HypervisorVersion>;
  inventory(): Promise<DomainInventory>;
  /** Null when there is no domain with this UUID; throws `foreign` when it is not ours. */
  find(instanceId: string): Promise<OwnedDomain | null>;

  /** Makes the definition what `spec` says. On a running domain only the mark's generation changes. */
  define(spec: DomainSpec): Promise<void>;
  /**
   * Starts it; restores its RAM when it is `saved`; continues it when `paused`. Never boots a saved domain
   * afresh: throws `save-unusable` instead. A boot forgets the lease of the one before (`leasedMacs`).
   */
  start(instanceId: string): Promise<void>;
  /** Asks the guest to power off (ACPI) and returns at once. */
  shutdown(instanceId: string): Promise<void>;
  /** Takes the power away. */
  destroy(instanceId: string): Promise<void>;
  /** Writes RAM and device state to disk and stops (libvirt managed save). Returns when it is durable. */
  save(instanceId: string): Promise<void>;
  /**
   * Path of the file that holds the RAM of a saved domain: complete and durable, of libvirt's own format, gone when the domain is
   * started. Throws `wrong-state` unless it is saved.
   */
  savedRam(instanceId: string): Promise<string>;
  /**
   * Makes what is in `file` the saved RAM of this domain, which is as `spec` defines it and off; durable when it returns. `file`
   * is what `savedRam` named, on this host or another, with or without zeros behind it; it is copied, and left as it is. Quiet
   * when the domain is saved already. Throws `save-unusable` for what is no RAM of this domain, or of a domain of another make.
   */
  adoptRam(spec: DomainSpec, file: string): Promise<void>;
  /** Stops its processors and keeps all else, until `resume` or `start`; saved so, it runs when it is restored. Quiet when it is paused. */
  pause(instanceId: string): Promise<void>;
  /** Continues a domain that is paused, be it by a disk error. Never starts one that is saved or off. */
  resume(instanceId: string): Promise<void>;
  /** Removes definition and saved RAM of a domain that is off. Quiet when there is none. */
  undefine(instanceId: string): Promise<void>;
  /** Removes what the hypervisor logged of this instance's domains of that name, also when none is there any more: one that went as it ran left its log. Quiet. */
  forgetLogs(instanceId: string, name: string): Promise<void>;

  /**
   * Has these running guests write into new layers from now on, all as near to one moment as can be; what was above stays as
   * it is at that moment. Answers for each in the order asked: one that cannot be switched keeps none of the others.
   */
  switchDisks(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]>;
  /**
   * Writes what the layers of a running guest hold that lie over `base`, in this order, into `base`, and takes them out of its
   * chain. Takes as long as that is much, and the guest goes on meanwhile. The last of them is not what it writes. When it returns
   * nothing that the hypervisor has of the domain names one of them, so that their files may go; else it throws.
   */
  mergeLayers(instanceId: string, base: string, over: readonly string[]): Promise<void>;
  /** Files of its disk from what the guest writes, or will once it is started, downwards, as the hypervisor has them; empty when there is no domain. */
  diskChain(instanceId: string): Promise<readonly string[]>;
  /** Has a domain that is off, or saved, go on with this chain: for when the hypervisor died between a switch and its own note of it. */
  redirectDisk(instanceId: string, chain: DiskChain): Promise<void>;

  stats(instanceId: string): Promise<DomainStats>;
  /** Of every guest that is on, ours or not as far as their ids are known, in one question. */
  processorTimes(): Promise<ReadonlyMap<string, ProcessorTimes>>;
  /** PNG of the guest's screen. */
  screenshot(instanceId: string): Promise<Buffer>;
  /**
   * A connection to a console of a guest that is on. To its serial console there is one at a time: a second waits, unheard, for the
   * first to end, and it must be read for the guest to go on printing. Throws `wrong-state` when it is off, `unsupported` when it was started without one.
   */
  connectConsole(instanceId: string, kind: ConsoleKind): Promise<Duplex>;
  /** Calls back on changes until the returned function is called. Hints only: always list again. */
  onEvent(listener: (event: DomainEvent) => void): () => void;

  /**
   * Makes the site's NAT network exist and run on this host. Comes before `define`, `start` and every call
   * about addresses, which throw `wrong-state` until it has been called once since `open`.
   */
  ensureNetwork(network: SiteNetwork): Promise<void>;
  reserveAddress(reservation: AddressReservation): Promise<void>;
  releaseAddress(mac: string): Promise<void>;
  reservations(): Promise<readonly AddressReservation[]>;
  /** MACs whose guest has taken its address since its last boot. */
  leasedMacs(): Promise<ReadonlySet<string>>;
}

export type HypervisorErrorCode =
  | 'unavailable'
  | 'unknown-domain'
  | 'foreign'
  | 'wrong-state'
  /** The saved RAM cannot be read back: damaged, or saved under another machine type or CPU. Nothing was started. */
  | 'save-unusable'
  | 'no-room'
  /** The site's network is not there or does not run; `ensureNetwork` mends it. Nothing was started. */
  | 'network-down'
  | 'unsupported'
  | 'timeout'
  | 'failed';

/** What went wrong at the hypervisor, classified by code, with its own words as the message. */
export class HypervisorError extends Error {
  override readonly name = 'HypervisorError';
  constructor(
    readonly code: HypervisorErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
