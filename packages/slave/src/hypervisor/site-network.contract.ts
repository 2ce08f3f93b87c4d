import type { ContractFixture, DriverUnderContract } from './driver-under.contract';
import type { HypervisorDriver } from './driver';

/** Addresses of guests, and the network that gives them. */
export function siteNetworkContract(rig: DriverUnderContract): void {
  describe('the site’s network', () => {
    const { booted, discard, nextNumber, reservationOf, untilLeased } = rig;
    let fixture: ContractFixture;
    let driver: HypervisorDriver;

    beforeAll(() => {
      ({ fixture, driver } = rig);
    });

    it('reserves each address for one MAC, replacing what is in the way', async () => {
      const address = (last: number): string => fixture.network.gateway.replace(/\d+$/, String(last));
      const first = { mac: '00:16:3e:aa:00:01', address: address(240), name: 'i-first' };
      const second = { mac: '00:16:3e:aa:00:02', address: address(241), name: 'i-second' };
      await Promise.all([driver.reserveAddress(first), driver.reserveAddress(second), driver.reserveAddress(first)]);
      expect(await driver.reservations()).toEqual(expect.arrayContaining([first, second]));
      // The second takes over the first's address: the first has none then.
      const moved = { ...second, address: first.address };
      await driver.reserveAddress(moved);
      const now = (await driver.reservations()).filter(({ mac }) => mac === first.mac || mac === second.mac);
      expect(now).toEqual([moved]);
      await driver.releaseAddress(second.mac);
      await driver.releaseAddress(second.mac);
      expect((await driver.reservations()).map(({ mac }) => mac)).not.toContain(second.mac);
    });

    it('gives the address of a guest that lost its power to another one', async () => {
      const first = await booted();
      const address = reservationOf(first, rig.lastNumber).address;
      await discard(first);
      const second = await fixture.spec(nextNumber());
      await driver.reserveAddress({ mac: second.mac, address, name: second.name });
      await driver.define(second);
      await driver.start(second.instanceId);
      await untilLeased(second);
      await discard(second);
    });

    it('keeps the network that is there', async () => {
      const before = await driver.reservations();
      await driver.ensureNetwork(fixture.network);
      expect(await driver.reservations()).toEqual(before);
    });
  });
}
