import { systemClock } from '@paravcl/shared/clock';
import { LibvirtSiteNetwork } from './site-network';
import type { Virsh } from './virsh';

const network = { name: 'pvsite', bridge: 'pvbr0', gateway: '10.90.0.1', prefix: 16 };
const mac = '00:16:3e:00:00:01';
const entry = `<network><forward mode='nat'/><bridge name='pvbr0'/><ip address='10.90.0.1' prefix='16'><dhcp><host mac='${mac}' name='i-a' ip='10.90.0.10'/></dhcp></ip></network>`;

test('an address is released lease first: after a crash in between its entry still tells what is owed', async () => {
  const asked: string[] = [];
  const virsh = {
    run: ([command = '']: readonly string[]) => {
      asked.push(command);
      return Promise.resolve(command === 'net-dumpxml' ? entry : '');
    },
    batch: () => Promise.resolve({ sections: ['Active: yes\nAutostart: yes\n', entry], stderr: '' }),
  } as unknown as Virsh;
  const site = new LibvirtSiteNetwork(virsh, systemClock, () => Promise.resolve([]));
  await site.ensure(network);
  await site.release(mac);
  expect(asked.slice(0, 3)).toEqual(['net-dumpxml', 'net-dhcp-leases', 'net-update']);
});
