import { parseProcessorTimes } from './processor-reports';

/** What libvirt 9.0 prints for `virsh domstats --vcpu --list-running`. */
const printed = `Domain: 'pv-i-ubuntu-9af'
  vcpu.current=2
  vcpu.maximum=2
  vcpu.0.state=1
  vcpu.0.time=2710000000
  vcpu.0.wait=0
  vcpu.0.delay=1852695620
  vcpu.0.halted=no
  vcpu.1.state=1
  vcpu.1.time=90000000
  vcpu.1.wait=5
  vcpu.1.delay=4

Domain: 'somebody's'
  vcpu.current=1
  vcpu.maximum=1

Domain: 'pv-i-ubuntu-1'
  vcpu.current=1
  vcpu.0.time=10
  vcpu.0.wait=0
  vcpu.0.delay=0

`;

test('the virtual CPUs of each domain are summed, and one of which nothing is said is left out', () => {
  expect([...parseProcessorTimes(printed)]).toEqual([
    ['pv-i-ubuntu-9af', { vcpus: 2, ranNs: 2_800_000_000, delayedNs: 1_852_695_624, waitedNs: 5 }],
    ['pv-i-ubuntu-1', { vcpus: 1, ranNs: 10, delayedNs: 0, waitedNs: 0 }],
  ]);
});

test('a host without guests says nothing', () => {
  expect(parseProcessorTimes('\n').size).toBe(0);
});
