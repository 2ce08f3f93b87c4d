import { agentChannel } from './domain-xml';
import { chainOf, hasAgent, withChain } from './disk-chain';
import { readXml, writeXml } from './xml';

const domain = (channelState: string): string => `<domain><name>pv-x</name><devices>
  <disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="/pool/seed.iso"/><target dev="vdb" bus="virtio"/></disk>
  <disk type="file" device="disk">
    <driver name="qemu" type="qcow2"/>
    <source file="/pool/layer-1.qcow2" index="3"/>
    <backingStore type="file" index="2"><format type="qcow2"/><source file="/pool/overlay.qcow2"/>
      <backingStore type="network" index="1"><format type="raw"/><source protocol="nbd" name="x"><host transport="unix" socket="/s"/></source><backingStore/></backingStore>
    </backingStore>
    <target dev="vda" bus="virtio"/>
    <address type="pci" slot="0x04"/>
  </disk>
  <channel type="unix"><target type="virtio" name="${agentChannel}" state="${channelState}"/></channel>
</devices></domain>`;

test('the files of the guest’s own disk are named from the top down', () => {
  expect(chainOf(readXml(domain('disconnected')))).toEqual(['/pool/layer-1.qcow2', '/pool/overlay.qcow2']);
});

test('an agent is there when its channel is connected', () => {
  expect([hasAgent(readXml(domain('connected'))), hasAgent(readXml(domain('disconnected'))), hasAgent(readXml('<domain/>')), hasAgent(undefined)]).toEqual([true, false, false, false]);
});

test('another chain changes that disk’s files and nothing else', () => {
  const before = readXml(domain('connected'));
  const after = withChain(before, { overlay: '/pool/layer-2.qcow2', layers: ['/pool/layer-1.qcow2', '/pool/overlay.qcow2'], backing: { kind: 'file', path: '/pool/data', format: 'raw' } });
  expect(chainOf(after)).toEqual(['/pool/layer-2.qcow2', '/pool/layer-1.qcow2', '/pool/overlay.qcow2', '/pool/data']);
  const without = (xml: string): string => xml.replace(/<source file="\/pool\/layer[^]*?<target dev="vda"/, '<target dev="vda"');
  expect(without(writeXml(after))).toBe(without(writeXml(before)));
});
