import { parseEventLine, parseFields, parseLeases, parseState, parseStats } from './virsh-reports';

// All texts as libvirt 9.0 with QEMU 7.2 printed them, LC_ALL=C.

describe('the state of a domain', () => {
  it.each([
    ['running (booted)', false, 'running'],
    ['running (restored)', false, 'running'],
    ['paused (user)', false, 'paused'],
    ['paused (I/O error)', false, 'paused-io'],
    ['in shutdown (shutdown)', false, 'shutting-down'],
    ['shut off (shutdown)', false, 'off'],
    ['shut off (failed)', false, 'off'],
    ['shut off (saved)', true, 'saved'],
    // After the host restarts libvirt no longer knows the reason.
    ['shut off (unknown)', true, 'saved'],
    ['crashed (panicked)', false, 'crashed'],
  ] as const)('reads "%s", managed save %s, as %s', (words, hasManagedSave, state) => {
    expect(parseState(words, hasManagedSave)).toBe(state);
  });
});

it('reads the fields of dominfo', () => {
  const fields = parseFields('Id:             -\nName:           pv-i-demo-001\nUUID:           0199a000-0000-7000-8000-000000000001\nState:          shut off\nManaged save:   yes\n');
  expect(fields).toMatchObject({ Name: 'pv-i-demo-001', 'Managed save': 'yes', State: 'shut off' });
});

it('adds up the figures of domstats', () => {
  const text = `Domain: 'pv-i-demo-001'
  cpu.time=2851828000
  cpu.user=2288027000
  balloon.current=131072
  balloon.rss=240604
  vcpu.current=1
  vcpu.0.time=2600000000
  vcpu.0.delay=40755805
  vcpu.1.delay=5
  net.count=1
  net.0.name=vnet9
  net.0.rx.bytes=1426
  net.0.tx.bytes=1884
  block.count=2
  block.0.rd.bytes=1000
  block.0.wr.bytes=4096
  block.1.rd.bytes=24
  block.1.wr.bytes=0
`;
  expect(parseStats(text)).toEqual({
    cpuTimeNs: 2851828000,
    cpuDelayNs: 40755810,
    ramKiB: 240604,
    diskReadBytes: 1024,
    diskWrittenBytes: 4096,
    netReceivedBytes: 1426,
    netSentBytes: 1884,
  });
});

describe('the event stream', () => {
  it('reads a change of a domain', () => {
    expect(parseEventLine("2026-11-20 19:15:06.675+0000: event 'lifecycle' for domain 'pv-i-demo-001': Started Booted")).toEqual({
      event: 'lifecycle',
      domain: 'pv-i-demo-001',
      detail: 'Started Booted',
    });
  });

  it('reads a change without a detail', () => {
    expect(parseEventLine("2026-11-20 19:03:52.667+0000: event 'control-error' for domain 'pv-i-demo-001'")).toMatchObject({ event: 'control-error', detail: '' });
  });

  it('passes over the lines that continue an event', () => {
    expect(parseEventLine('\ttime_elapsed: 274')).toBeNull();
    expect(parseEventLine('')).toBeNull();
  });
});

it('reads leases', () => {
  const text = ' 1970-01-01 00:00:00   00:16:3e:00:00:01   ipv4   10.99.0.10/16   i-demo-001   01:00:16:3e:00:00:01\n';
  expect(parseLeases(text)).toEqual([{ mac: '00:16:3e:00:00:01', address: '10.99.0.10' }]);
  expect(parseLeases('')).toEqual([]);
});
