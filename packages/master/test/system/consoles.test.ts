/** Consoles of a real guest, with real libvirt and QEMU, through a real master and agent. */
import { once } from 'node:events';
import { getScreenshot, resumeInstance, suspendInstance } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import { RfbReader } from '@paravcl/slave/hypervisor/simulated/rfb-reader';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { ConsolePage, type OpenedConsole } from './console-client';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pvc-');
let page: ConsolePage;
let instance: Instance;
beforeAll(async () => {
  await lab.up();
  page = new ConsolePage(lab.site.master, await lab.session());
  instance = await lab.launch();
});
afterAll(() => lab.down());

/** Everything that came over it. */
function hear({ stream }: OpenedConsole): { text(): string } {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  return { text: () => Buffer.concat(parts).toString('latin1') };
}

const u16 = (...values: readonly number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

/** RFB 3.8 without security (RFC 6143 7.1 to 7.3), and the whole picture in raw encoding. */
async function firstPicture({ stream }: OpenedConsole): Promise<{ readonly width: number; readonly height: number; readonly pixels: number }> {
  const reader = new RfbReader(stream);
  expect((await reader.take(12)).toString()).toBe('RFB 003.008\n');
  stream.write('RFB 003.008\n');
  const types = await reader.take((await reader.take(1))[0] ?? 0);
  expect([...types]).toContain(1);
  stream.write(Buffer.from([1]));
  expect((await reader.take(4)).readUInt32BE(0)).toBe(0);
  stream.write(Buffer.from([1]));
  const head = await reader.take(24);
  await reader.take(head.readUInt32BE(20));
  const [width, height, bytes] = [head.readUInt16BE(0), head.readUInt16BE(2), (head[4] ?? 0) / 8];
  stream.write(Buffer.concat([Buffer.from([2, 0]), u16(1), Buffer.alloc(4)]));
  stream.write(Buffer.concat([Buffer.from([3, 0]), u16(0, 0, width, height)]));
  let pixels = 0;
  while (pixels < width * height) {
    expect((await reader.take(1))[0]).toBe(0);
    for (let left = (await reader.take(3)).readUInt16BE(1); left > 0; left -= 1) {
      const area = await reader.take(12);
      expect(area.readInt32BE(8)).toBe(0);
      const size = area.readUInt16BE(4) * area.readUInt16BE(6);
      await reader.take(size * bytes);
      pixels += size;
    }
  }
  return { width, height, pixels };
}

test('the screen comes in the guest’s own size, and more than one may look', async () => {
  const screens = [await page.open(instance, 'screen'), await page.open(instance, 'screen')];
  const png = await lab.admin.call(getScreenshot, { params: { instanceId: instance.id } });
  for (const screen of screens) {
    const { width, height, pixels } = await firstPicture(screen);
    expect([width, height]).toEqual([png.readUInt32BE(16), png.readUInt32BE(20)]);
    expect(pixels).toBeGreaterThanOrEqual(width * height);
  }
  expect([...(await page.list())].sort()).toEqual(screens.map(({ connectionId }) => connectionId).sort());
  for (const { stream } of screens) stream.destroy();
  await eventually('nobody to be connected', patienceMs, async () => ((await page.list()).length === 0 ? true : undefined));
});

test('the serial console begins with what was printed, goes on without a gap, and takes what is typed', async () => {
  const serial = await page.open(instance, 'serial');
  const heard = hear(serial);
  await eventually('five more counts', patienceMs, () => {
    const counts = [...heard.text().matchAll(/^count (\d+)\r?$/gm)].map((match) => Number(match[1]));
    return counts.length >= 5 && (counts.at(-1) ?? 0) >= (counts[0] ?? 0) + 4 ? true : undefined;
  });
  // What the guest prints meanwhile may stand in the middle of it, between lines and within one: then it is typed once more.
  const echoed = (text: string): boolean => text.replaceAll(/count \d+\r?\n/g, '').replaceAll(/[\r\n]/g, '').includes('typed by a person');
  const typed = (): Promise<true | undefined> => {
    serial.stream.write('typed by a person\r');
    return eventually('an echo', 5000, () => (echoed(heard.text()) ? true : undefined)).catch(() => undefined);
  };
  await eventually('the echo of the guest’s terminal', patienceMs, typed, { state: () => JSON.stringify(heard.text().slice(-300)) });
  // Another one who comes later, over the same connection of the agent's, hears the same.
  const later = await page.open(instance, 'serial');
  const also = hear(later);
  await eventually('what was said before', patienceMs, () => (echoed(also.text()) ? true : undefined));
  await eventually('both to hear the newest count', patienceMs, () => (/count (\d+)\r?\n[^\n]*$/.exec(heard.text())?.[1] === /count (\d+)\r?\n[^\n]*$/.exec(also.text())?.[1] ? true : undefined));
  const counts = [...also.text().matchAll(/count (\d+)\r?$/gm)].map((match) => Number(match[1]));
  expect(counts.slice(1).map((count, index) => count - (counts[index] ?? 0))).toEqual(counts.slice(1).map(() => 1));
  for (const { stream } of [serial, later]) stream.destroy();
});

test('a suspend ends them, and they open again when it runs', async () => {
  const [screen, serial] = [await page.open(instance, 'screen'), await page.open(instance, 'serial')];
  for (const { stream } of [screen, serial]) stream.resume();
  await lab.done(lab.admin.call(suspendInstance, { params: { instanceId: instance.id } }));
  for (const { closed } of [screen, serial]) expect(await closed).toMatchObject({ code: 4000 });
  await expect(page.open(instance, 'screen')).rejects.toThrow(`${instance.name} is suspended: its console can be opened while it runs.`);
  await lab.done(lab.admin.call(resumeInstance, { params: { instanceId: instance.id }, body: {} }));
  const again = await page.open(await lab.isRunning(instance), 'screen');
  expect((await firstPicture(again)).pixels).toBeGreaterThan(0);
  again.stream.destroy();
});

test('an agent that is killed ends them at once, and the next one serves them again', async () => {
  const host = await lab.hostOf(instance);
  const serial = await page.open(instance, 'serial');
  serial.stream.resume();
  host.agent.kill('SIGKILL');
  expect(await serial.closed).toMatchObject({ code: 4000 });
  await host.startAgent();
  const again = await eventually('a console after the agent is back', patienceMs, () => page.open(instance, 'serial').catch(() => undefined));
  expect(((await once(again.stream, 'data')) as [Buffer])[0].length).toBeGreaterThan(0);
  again.stream.destroy();
});

test('who is at it is ended by hand', async () => {
  const screen = await page.open(instance, 'screen');
  screen.stream.resume();
  await page.end(screen.connectionId);
  expect(await screen.closed).toEqual({ code: 4003, reason: 'You ended this connection.' });
});
