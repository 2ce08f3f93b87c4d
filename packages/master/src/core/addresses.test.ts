import fc from 'fast-check';
import { addressesFor, guestAddressCount, macFor } from './addresses';

const network = { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.3.9', prefix: 28 };
const id = fc.uuid();

describe('the address of an instance', () => {
  it('is any of the network but its own, the gateway’s and the broadcast one, each once, from a place of its own on', () => {
    fc.assert(
      fc.property(id, fc.nat(20), (instanceId, most) => {
        const all = [...addressesFor(network, instanceId)];
        expect(all.toSorted()).toEqual([...Array.from({ length: 16 }, (_, host) => `10.77.3.${host}`)].filter((a) => !['10.77.3.0', '10.77.3.9', '10.77.3.15'].includes(a)).sort());
        expect(all).toHaveLength(guestAddressCount(network));
        expect([...addressesFor(network, instanceId, most)]).toEqual(all.slice(0, most));
      }),
    );
  });

  it('comes with a MAC under our prefix that changes with every attempt', () => {
    fc.assert(
      fc.property(id, fc.nat(100), (instanceId, attempt) => {
        expect(macFor(instanceId, attempt)).toMatch(/^00:16:3e(:[0-9a-f]{2}){3}$/);
        expect(macFor(instanceId, attempt)).not.toBe(macFor(instanceId, attempt + 1));
      }),
    );
  });
});
