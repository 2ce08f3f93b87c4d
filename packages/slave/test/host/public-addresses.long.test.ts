/** An agent leads a public address and a port to a real guest, with a neighbour outside that knows no gateway. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { sleep, systemClock } from '@paravcl/shared/clock';
import type { PublicMapping } from '@paravcl/shared/domain/public-mapping';
import { demoGuestImages, type DemoGuestImages } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { echoOf, networkOutside, outside, type Machine } from '../fixtures/network-outside';
import { realHost } from '../fixtures/real-host';

jest.setTimeout(240_000);

const address: PublicMapping = { kind: 'address', address: outside.free };
const page: PublicMapping = { kind: 'port', transport: 'tcp', publicPort: 20_001, guestPort: 80 };
const text = (program: string, ...args: readonly string[]): string => execFileSync(program, [...args], { encoding: 'utf8' });
const addressesOutside = (): string => text('ip', '-4', '-brief', 'address', 'show', 'dev', outside.device);
const pagePath = '/cgi-bin/index.cgi';

let images: DemoGuestImages;
let neighbour: Machine;
beforeAll(async () => {
  images = await demoGuestImages();
  neighbour = networkOutside();
});
afterAll(() => neighbour.remove());

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 45_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await sleep(systemClock, 50);
  }
}

test('a neighbour reaches a guest by its address and by a port, is reached from the address, and by nothing any more when the order says so: also by an order that came while the agent was away', async () => {
  const { instanceId, spec, startAgent, endAgent, order, orderPublic, reaches, welcome, cleanUp, pool } = await realHost(4, { images });
  const mirror = await MirrorOfPool.start(pool, images.source);
  const pageAt = (at: string): Promise<unknown> => neighbour.page(`http://${at}${pagePath}`);
  try {
    await startAgent();
    welcome();
    orderPublic(1, [address, page]);
    await reaches('running');
    // The rules follow the guest's being seen to run.
    expect(await eventually('the page at the address', () => pageAt(outside.free))).toMatchObject({ id: instanceId, name: spec.name });
    expect(await eventually('the page at the port', () => pageAt(`${outside.host}:20001`))).toMatchObject({ id: instanceId });
    expect(await neighbour.echo(outside.host, 7000)).toMatch(/refused/);
    expect(await neighbour.echo(outside.free, 81)).toMatch(/refused/);

    // The guest begins a conversation, and the neighbour sees with whom.
    const answers = '/run/answer-as-a-guest';
    writeFileSync(answers, '#!/bin/sh\nwhile read -r line; do echo "word $line" || exit; done\n', { mode: 0o755 });
    neighbour.start('busybox', 'nc', '-ll', '-p', '7000', '-e', answers);
    await eventually('the neighbour to listen', () => neighbour.says('ss', '-Hltn', 'sport = :7000').then((said) => said || undefined));
    await neighbour.says('busybox', 'wget', '-q', '-O', '-', `http://${outside.free}/cgi-bin/talk.cgi?${outside.neighbour}`);
    expect(await eventually('the guest to call', () => neighbour.says('ss', '-Htn', 'state', 'established', 'sport = :7000').then((said) => said || undefined))).toContain(`${outside.free}]:`);

    const talk = neighbour.start('busybox', 'nc', outside.free, '7000');
    const heard = await echoOf(talk);
    expect(heard).toMatch(/ hello$/);

    // The agent goes, and what leads to the guest stays; it comes again, and nothing is broken by that.
    await endAgent();
    expect(await pageAt(outside.free)).toMatchObject({ id: instanceId });
    await startAgent();
    await reaches('running');
    expect(await echoOf(talk, 'again')).toBe(heard.replace('hello', 'again'));

    const ended = new Promise((resolve) => talk.once('close', resolve));
    orderPublic(2, [page]);
    await eventually('the address to be gone', () => Promise.resolve(addressesOutside().includes(outside.free) ? undefined : true));
    await eventually('the rules to be gone', () => Promise.resolve(text('nft', 'list', 'table', 'ip', 'paravcl_public').includes(outside.free) ? undefined : true));
    expect(await echoOf(talk, 'still there')).not.toContain('still there');
    await ended;
    expect(await pageAt(`${outside.host}:20001`)).toMatchObject({ id: instanceId });
    expect(await pageAt(outside.free)).toBeUndefined();

    orderPublic(3, [address, page]);
    await eventually('the page at the address again', () => pageAt(outside.free));
    // What is not ordered any more when the agent looks at its host again, goes, whoever left it: here a process that lost its orders.
    order(4, 'suspended');
    await endAgent();
    await startAgent();
    await reaches('suspended');
    await eventually('nothing to be left', () => Promise.resolve(addressesOutside().includes(outside.free) || text('iptables', '-w', '-S', 'FORWARD').includes('paravcl-public') ? undefined : true));
    expect(await pageAt(`${outside.host}:20001`)).toBeUndefined();

    // It goes on with what leads to it, over a libvirt that died and came again.
    orderPublic(5, [address]);
    await reaches('running');
    await eventually('the page after a resume', () => pageAt(outside.free));
    process.kill(Number(readFileSync('/run/libvirtd.pid', 'utf8')), 'SIGKILL');
    text('libvirtd', '-d');
    await eventually('libvirt to answer', () => Promise.resolve().then(() => (text('virsh', '--quiet', 'version'), true)).catch(() => undefined));
    expect(await eventually('the page after libvirt’s restart', () => pageAt(outside.free))).toMatchObject({ id: instanceId });
    order(6, 'deleted');
    await reaches('deleted');
    await eventually('the address to go with the instance', () => Promise.resolve(addressesOutside().includes(outside.free) ? undefined : true));
    expect(text('nft', 'list', 'table', 'ip', 'paravcl_public')).not.toContain('dnat to');
  } finally {
    await cleanUp();
    await mirror.stop();
  }
});
