import { HandClock, turn } from '../../../test/fixtures/hand-clock';
import { HypervisorError } from '../driver';
import { DomainLooks } from './domain-looks';
import { GuestDisks } from './guest-disks';
import { Virsh, type BatchAnswer } from './virsh';

const uuid = '01a22446-25b2-77be-bda5-f28ba7cd59d4';
const [overlay, below, top, above] = ['/pool/overlay.qcow2', '/pool/layer-1.qcow2', '/pool/layer-2.qcow2', '/pool/layer-3.qcow2'];

/** A domain over these layers, from what its guest writes downwards. */
function domainOver(layers: readonly string[], agent = ''): string {
  const chain = layers.reduceRight((inner, file, at) => {
    const source = `<source file="${file}"/>`;
    return at === 0 ? `${source}${inner}` : `<backingStore type="file"><format type="qcow2"/>${source}${inner}</backingStore>`;
  }, '');
  return `<domain><name>pv-a</name><devices><disk type="file"><driver name="qemu"/>${chain}<target dev="vda"/></disk>${agent}</devices></domain>`;
}
const listening = '<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0" state="connected"/></channel>';

/** A virsh that answers from a script and keeps what it was asked. */
class ScriptedVirsh extends Virsh {
  readonly asked: string[] = [];
  constructor(private readonly answer: (command: readonly string[]) => string | Error) {
    super();
  }
  override run(args: readonly string[]): Promise<string> {
    this.asked.push(args.join(' '));
    const said = this.answer(args);
    return said instanceof Error ? Promise.reject(said) : Promise.resolve(said);
  }
  override async batch(commands: readonly (readonly string[])[]): Promise<BatchAnswer> {
    const sections = await Promise.all(commands.map((command) => this.run(command).catch(() => '')));
    return { sections, stderr: '' };
  }
  override runWithFile(args: readonly string[], content: string): Promise<string> {
    return this.run([...args, content]);
  }
}

const isInactive = (command: readonly string[]): boolean => command.includes('--inactive');

describe('a merge', () => {
  const merge = (live: readonly string[], inactive: readonly string[]) => {
    const virsh = new ScriptedVirsh((command) => (command[0] === 'dumpxml' ? domainOver(isInactive(command) ? inactive : live) : ''));
    return { virsh, done: new GuestDisks(virsh, new HandClock()).merge(uuid, overlay, [below, top]) };
  };

  test('whose topmost layer the disk never lay on is not done while it lies on another of them', async () => {
    const { virsh, done } = merge([above, below, overlay], [above, below, overlay]);
    await expect(done).rejects.toMatchObject({ code: 'wrong-state', message: expect.stringContaining(`still lies on ${below}`) as string });
    expect(virsh.asked.filter((command) => command.startsWith('blockcommit'))).toEqual([]);
  });

  test('that only the running guest knows of is not done: its definition still needs the files', async () => {
    await expect(merge([above, overlay], [above, top, below, overlay]).done).rejects.toMatchObject({ code: 'wrong-state', message: expect.stringContaining(`${below} and ${top}`) as string });
  });

  test('that was done before is done', async () => {
    await expect(merge([above, overlay], [above, overlay]).done).resolves.toBeUndefined();
  });
});

test('a saved guest’s save is changed before its definition, by which one sees that all is done', async () => {
  const virsh = new ScriptedVirsh(() => domainOver([overlay]));
  await new GuestDisks(virsh, new HandClock()).redirect(uuid, { overlay: top, layers: [overlay], backing: { kind: 'file', path: '/image', format: 'raw' } }, true);
  const changes = virsh.asked.filter((command) => /^(managedsave-)?define/.test(command));
  expect(changes.map((command) => command.split(' ')[0])).toEqual(['managedsave-define', 'define']);
  expect(changes.every((command) => command.includes(top))).toBe(true);
});

test('a guest whose file systems did not come to rest is switched without, and its agent asked to thaw until it has', async () => {
  const clock = new HandClock();
  let thaws = 0;
  let isSwitched = false;
  const virsh = new ScriptedVirsh((command) => {
    if (command[0] === 'dumpxml') return domainOver(isSwitched ? [top, overlay] : [overlay], listening);
    if (command[0] === 'domfsthaw') return (thaws += 1) < 3 ? new HypervisorError('failed', 'the guest agent is not available') : '';
    if (command.includes('--quiesce')) return new HypervisorError('failed', 'guest agent: timed out');
    if (command[0] === 'snapshot-create-as') isSwitched = true;
    return '';
  });
  expect(await new GuestDisks(virsh, clock).switchAll([{ instanceId: uuid, layer: top }])).toEqual([{ instanceId: uuid, ok: true, quiesced: false }]);
  for (let waited = 0; waited < 5; waited += 1) {
    await turn();
    await clock.advance(2000);
  }
  await turn();
  expect(thaws).toBe(3);
});

test('neither a libvirt that is away nor an agent that is for a while ends the thaw; a guest that is gone does', async () => {
  const clock = new HandClock();
  const answers = [
    ...Array.from({ length: 3 }, () => new HypervisorError('unavailable', 'Cannot recv data')),
    ...Array.from({ length: 3 }, () => new HypervisorError('failed', 'QEMU guest agent is not connected')),
    new HypervisorError('wrong-state', 'domain is not running'),
    new HypervisorError('unknown-domain', 'failed to get domain'),
  ];
  let thaws = 0;
  const virsh = new ScriptedVirsh((command) => {
    if (command[0] === 'domfsthaw') return answers[thaws++] ?? '';
    if (command.includes('--quiesce')) return new HypervisorError('unavailable', 'Cannot recv data');
    if (command[0] === 'dumpxml') return thaws === 0 ? domainOver([overlay], listening) : new HypervisorError('unavailable', 'Cannot recv data');
    return '';
  });
  expect(await new GuestDisks(virsh, clock).switchAll([{ instanceId: uuid, layer: top }])).toMatchObject([{ instanceId: uuid, ok: false, error: { code: 'unavailable' } }]);
  for (let waited = 0; waited < 12; waited += 1) {
    await turn();
    await clock.advance(2000);
  }
  expect(thaws).toBe(answers.length);
});

test('a switch of which only the thaw failed is not made again', async () => {
  let isSwitched = false;
  const virsh = new ScriptedVirsh((command) => {
    if (command[0] === 'dumpxml') return domainOver(isSwitched ? [top, overlay] : [overlay], listening);
    if (!command.includes('--quiesce')) return '';
    isSwitched = true;
    return new HypervisorError('failed', 'guest agent: cannot thaw');
  });
  expect(await new GuestDisks(virsh, new HandClock()).switchAll([{ instanceId: uuid, layer: top }])).toEqual([{ instanceId: uuid, ok: true, quiesced: true }]);
  expect(virsh.asked.filter((command) => command.startsWith('snapshot-create-as'))).toHaveLength(1);
});

describe('a look at domains', () => {
  const look = (stderr: string) => {
    const virsh = new ScriptedVirsh(() => '');
    virsh.batch = (commands) => Promise.resolve({ sections: commands.map(() => ''), stderr });
    return new DomainLooks(virsh, { all: () => Promise.resolve(new Set()) }).each([uuid]);
  };

  test('leaves out one that libvirt does not have', async () => {
    expect(await look(`error: failed to get domain '${uuid}'`)).toEqual(new Map());
  });

  test.each([['error: Disconnected from qemu:///system due to end of file', 'unavailable'], ['', 'failed']])('fails where libvirt could not say (%j): who runs must not pass for one that is off', async (words, code) => {
    await expect(look(words)).rejects.toMatchObject({ code });
  });
});

test('a home volume gets no layer of its own with a snapshot; where there is none, none is named', async () => {
  for (const [home, named] of [['<disk type="file"><source file="/pool/home"/><target dev="vdc"/></disk>', true], ['', false]] as const) {
    let isSwitched = false;
    const virsh = new ScriptedVirsh((command) => {
      if (command[0] === 'dumpxml') return domainOver(isSwitched ? [top, overlay] : [overlay], home);
      if (command[0] === 'snapshot-create-as') isSwitched = true;
      return '';
    });
    expect(await new GuestDisks(virsh, new HandClock()).switchAll([{ instanceId: uuid, layer: top }])).toMatchObject([{ ok: true }]);
    const [command = ''] = virsh.asked.filter((each) => each.startsWith('snapshot-create-as'));
    expect(command.includes('vdb,snapshot=no')).toBe(true);
    expect(command.includes('vdc,snapshot=no')).toBe(named);
  }
});
