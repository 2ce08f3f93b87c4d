import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { demoGuestImages, type DemoGuestImages } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { countsOf, realHost, virsh } from '../fixtures/real-host';

jest.setTimeout(180_000);

let images: DemoGuestImages;
beforeAll(async () => (images = await demoGuestImages()));

/** It takes its address a moment before it says so. */
async function says(serial: () => Promise<string>, words: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await serial()).includes(words)) {
    if (Date.now() > end) throw new Error(`the guest does not say ${words}`);
    await sleep(systemClock, 100);
  }
}

test('an agent over the real libvirt launches, suspends, resumes and deletes a real guest; its restart touches nothing', async () => {
  const { instanceId, spec, stateDir, startAgent, endAgent, seen, order, reaches, reachesFor, serial, welcome, cleanUp, pool } = await realHost(1, { images });
  const mirror = await MirrorOfPool.start(pool, images.source);
  try {
    await startAgent();
    welcome();
    order(1, 'running');
    await reaches('running');
    expect(virsh('domstate', '--', instanceId)).toBe('running');
    await says(serial, 'i-agent-1');

    const saves = '/var/lib/libvirt/qemu/save';
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', saves]);
    order(2, 'suspended');
    try {
      await reachesFor('NotEnoughDisk', 'running');
      expect(seen()?.reason?.sentence).toMatch(/needs up to 144 MiB in \/var\/lib\/libvirt\/qemu\/save, where \d MiB are free/);
      expect(execFileSync('find', [saves, '-type', 'f'], { encoding: 'utf8' })).toBe('');
    } finally {
      // A failure here must not take the room from every test that follows on this host.
      execFileSync('umount', [saves]);
    }
    await reaches('suspended');
    expect(virsh('dominfo', '--', instanceId)).toMatch(/Managed save:\s+yes/);
    await endAgent();
    expect(virsh('domstate', '--', instanceId)).toBe('shut off');

    await startAgent();
    await reaches('suspended');
    virsh('net-destroy', '--', 'pv-agent');
    order(3, 'running');
    await reaches('running');
    expect(virsh('net-info', '--', 'pv-agent')).toMatch(/Active:\s+yes/);
    expect(virsh('domstate', '--', instanceId)).toBe('running');
    order(4, 'deleted');
    await reaches('deleted');
    expect(virsh('list', '--all', '--uuid')).not.toContain(instanceId);
    expect(virsh('net-dumpxml', '--', 'pv-agent')).not.toContain(spec.mac);
    expect(execFileSync('find', [join(stateDir, 'pool'), '-name', `*${instanceId}*`], { encoding: 'utf8' })).toBe('');
  } finally {
    await cleanUp();
    await mirror.stop();
  }
});

test('an agent alone saves a real guest at the end of its time, leaves it so after its own restart, goes on with more time, and tells when it is destroyed behind its back', async () => {
  const { instanceId, said, lab, startAgent, endAgent, settled, seen, order, reaches, reachesFor, serial, welcome, cleanUp, pool } = await realHost(2, { images });
  const mirror = await MirrorOfPool.start(pool, images.source);
  try {
    await startAgent();
    welcome();
    order(1, 'running', 60);
    await reaches('running');

    lab.sleptMs = 2 * 3600_000;
    await reachesFor('TimeEnded', 'suspended');
    expect(seen()).toMatchObject({ generation: 1, reason: { sentence: 'Saved with everything open, because its time was over. Give it more time to go on.' } });
    expect(virsh('domstate', '--', instanceId)).toBe('shut off');
    expect(virsh('dominfo', '--', instanceId)).toMatch(/Managed save:\s+yes/);
    const saved = countsOf(await serial());
    // The watch says so at its next look, at most a second later: something else may have woken the instance first.
    const saidAlone = (): readonly string[] => said.filter((line) => line.includes('"recovery":"time-ended-alone"'));
    const looks = Date.now() + 30_000;
    while (saidAlone().length === 0 && Date.now() < looks) await sleep(systemClock, 20);
    expect(saidAlone()).toHaveLength(1);

    await endAgent();
    // Even with a wall clock that says otherwise: what was told to have ended does not begin by itself.
    lab.sleptMs = 0;
    await startAgent();
    await reachesFor('TimeEnded', 'suspended');
    await settled();
    expect(virsh('domstate', '--', instanceId)).toBe('shut off');

    order(2, 'running', 60);
    await reaches('running');
    expect(virsh('domstate', '--', instanceId)).toBe('running');
    const goesOn = Date.now() + 30_000;
    while (countsOf(await serial()).length <= saved.length) {
      if (Date.now() > goesOn) throw new Error('the guest does not count on');
      await sleep(systemClock, 100);
    }
    // One boot, and a counter in its RAM that never began again nor jumped.
    const told = await serial();
    expect(told.match(/paravcl-guest ready/g)).toHaveLength(1);
    expect(countsOf(told)).toEqual(countsOf(told).map((_, index) => index + 1));

    // Somebody at the host ends it behind the agent's back: its guest did not do that, and its RAM is gone.
    virsh('destroy', '--', instanceId);
    virsh('undefine', '--', instanceId);
    await reachesFor('DomainLost', 'failed');
    await settled();
    expect(seen()?.reason?.code).toBe('DomainLost');
    order(3, 'deleted');
    await reaches('deleted');
    expect(virsh('list', '--all', '--uuid')).not.toContain(instanceId);
  } finally {
    await cleanUp();
    await mirror.stop();
  }
});
