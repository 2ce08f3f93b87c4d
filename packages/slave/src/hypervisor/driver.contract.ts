import { domainsContract } from './domains.contract';
import { type ContractFixture, DriverUnderContract } from './driver-under.contract';
import { guestDisksContract } from './guest-disks.contract';
import { savedRamContract } from './saved-ram.contract';
import { siteNetworkContract } from './site-network.contract';

/** What every hypervisor driver promises, run over the simulation and over real libvirt with a real guest. */
export function driverContract(name: string, makeFixture: () => Promise<ContractFixture>): void {
  describe(`the hypervisor driver over ${name}`, () => {
    const rig = new DriverUnderContract(makeFixture);
    beforeAll(() => rig.open());
    afterAll(() => rig.close());

    domainsContract(rig);
    savedRamContract(rig);
    guestDisksContract(rig);
    siteNetworkContract(rig);
  });
}
