import { bridgeMac, hostXml, networkXml, readNetwork } from './network-xml';

const site = { name: 'paravcl', bridge: 'pvbr0', gateway: '10.90.0.1', prefix: 16 };

describe('the site network', () => {
  it('is NAT with DHCP for known guests only', () => {
    expect(networkXml(site)).toMatchSnapshot();
  });

  it('has the same hardware address on every slave', () => {
    expect(bridgeMac('10.90.0.1')).toBe('52:54:00:5a:00:01');
  });

  it('is read back, without the entry of the gateway itself', () => {
    expect(readNetwork(networkXml(site))).toEqual({ bridge: 'pvbr0', gateway: '10.90.0.1', prefix: 16, forward: 'nat', reservations: [] });
  });

  it('is read from what libvirt prints', () => {
    const xml = `<network>
  <name>pvsite</name>
  <forward mode='nat'>
    <nat>
      <port start='1024' end='65535'/>
    </nat>
  </forward>
  <bridge name='pvbr0' stp='on' delay='0'/>
  <ip address='10.99.0.1' netmask='255.255.0.0'>
    <dhcp>
      <host mac='00:16:3E:00:00:01' name='i-demo-001' ip='10.99.0.10'>
        <lease expiry='0'/>
      </host>
    </dhcp>
  </ip>
</network>`;
    expect(readNetwork(xml)).toMatchObject({
      prefix: 16,
      forward: 'nat',
      reservations: [{ mac: '00:16:3e:00:00:01', address: '10.99.0.10', name: 'i-demo-001' }],
    });
  });

  it('writes a reservation on one line', () => {
    expect(hostXml({ mac: '00:16:3e:00:00:01', address: '10.90.0.10', name: 'i-a' })).toBe(
      '<host mac="00:16:3e:00:00:01" name="i-a" ip="10.90.0.10"><lease expiry="0"/></host>',
    );
  });
});
