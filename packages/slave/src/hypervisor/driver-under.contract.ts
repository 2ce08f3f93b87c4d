import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { type AddressReservation, type DomainEvent, type DomainSpec, HypervisorError, type HypervisorDriver, type HypervisorErrorCode, type OwnedDomain } from './driver';

/** What the suite needs of a host. Everything marked "past the driver" looks or acts without the code under test. */
export interface ContractFixture {
  readonly driver: HypervisorDriver;
  readonly kind: 'kvm' | 'qemu' | 'simulated';
  readonly network: SiteNetwork;
  /** A spec with fresh files for a new instance; `number` is unique and below 200. */
  spec(number: number): Promise<DomainSpec>;
  /** Past the driver: what the hypervisor has under this UUID. */
  peek(uuid: string): Promise<'running' | 'paused' | 'off' | 'absent'>;
  /** Past the driver: a running domain that bears no mark; returns its UUID. */
  makeForeign(): Promise<string>;
  /** Makes a domain that bears the mark of another slave; returns its UUID. */
  makeOtherSlaves(spec: DomainSpec): Promise<void>;
  /** Past the driver: something only the guest's RAM knows and that never falls while it lives. */
  guestCounter(spec: DomainSpec): Promise<number>;
  /** A spec whose guest writes to its disk until `failDisk` or a disk too small stops it. */
  brittleSpec(number: number): Promise<DomainSpec>;
  /** Past the driver: makes the disk of a guest of `brittleSpec` fail. */
  failDisk(spec: DomainSpec): Promise<void>;
  /** Past the driver: takes away the cause of the disk error. */
  mendDisk(spec: DomainSpec): Promise<void>;
  /** Makes an empty layer, over what a guest of this spec writes: `below`. */
  layerOver(spec: DomainSpec, below: string): Promise<string>;
  /** Past the driver: files of its disk, from what the guest writes downwards. */
  chain(uuid: string): Promise<readonly string[]>;
  /** Past the driver: damages the save of a saved domain. */
  damageSave(spec: DomainSpec): Promise<void>;
  /** Past the driver: keeps a copy of the RAM in this file, with zeros behind it, under a path that is answered. */
  keepRam(spec: DomainSpec, file: string): Promise<string>;
  /** Past the driver: a file that is no RAM of anybody. */
  noRam(): Promise<string>;
  readonly patienceMs: number;
  dispose(): Promise<void>;
}

/** The driver that the contract is tried on, and what its suites do with it again and again. */
export class DriverUnderContract {
  readonly heard: DomainEvent[] = [];
  private made: ContractFixture | null = null;
  private specs = 0;

  constructor(private readonly makeFixture: () => Promise<ContractFixture>) {}

  async open(): Promise<void> {
    this.made = await this.makeFixture();
    this.driver.onEvent((event) => this.heard.push(event));
    await this.driver.open();
    await this.driver.ensureNetwork(this.fixture.network);
  }

  async close(): Promise<void> {
    await this.driver.close();
    await this.fixture.dispose();
  }

  get fixture(): ContractFixture {
    if (this.made === null) throw new Error('the fixture is made when the suite begins');
    return this.made;
  }

  get driver(): HypervisorDriver {
    return this.fixture.driver;
  }

  /** Of the spec that was made last. */
  get lastNumber(): number {
    return this.specs;
  }

  readonly nextNumber = (): number => (this.specs += 1);

  readonly until = async (what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> => {
    const end = performance.now() + this.fixture.patienceMs;
    while (!(await isTrue())) {
      if (performance.now() > end) throw new Error(`waited ${String(this.fixture.patienceMs)} ms in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  readonly refusal = async (call: Promise<unknown>): Promise<HypervisorErrorCode | 'none'> =>
    call.then(
      () => 'none' as const,
      (error: unknown) => {
        if (!(error instanceof HypervisorError)) throw error;
        return error.code;
      },
    );

  readonly stateOf = async ({ instanceId }: DomainSpec): Promise<OwnedDomain['state'] | undefined> => (await this.driver.find(instanceId))?.state;

  readonly defined = async (): Promise<DomainSpec> => {
    const spec = await this.fixture.spec(this.nextNumber());
    await this.driver.reserveAddress(this.reservationOf(spec, this.lastNumber));
    await this.driver.define(spec);
    return spec;
  };

  readonly booted = async (): Promise<DomainSpec> => {
    const spec = await this.defined();
    await this.driver.start(spec.instanceId);
    await this.untilLeased(spec);
    return spec;
  };

  readonly untilLeased = (spec: DomainSpec): Promise<void> => this.until(`${spec.name} has its address`, async () => (await this.driver.leasedMacs()).has(spec.mac));

  readonly reservationOf = (spec: DomainSpec, number: number): AddressReservation => ({
    mac: spec.mac,
    address: this.fixture.network.gateway.replace(/\d+$/, String(10 + number)),
    name: spec.name,
  });

  readonly discard = async (spec: DomainSpec): Promise<void> => {
    await this.driver.destroy(spec.instanceId);
    await this.driver.undefine(spec.instanceId);
    await this.driver.releaseAddress(spec.mac);
  };
}
