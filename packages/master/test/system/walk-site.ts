import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { getInstance, listInstances } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Credentials, Visitor } from '@paravcl/workbench/browser/visitor';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';

const builtPortal = resolve(__dirname, '..', '..', '..', 'portal', 'dist');

/** A zone in which it is nine in the morning, whenever the walk is taken: a lab is open by day. */
function morningZone(): string {
  const ahead = ((9 - new Date().getUTCHours() + 36) % 24) - 12;
  // Signs of these names are those of POSIX: Etc/GMT-3 is three hours ahead.
  return `Etc/GMT${ahead > 0 ? '-' : '+'}${String(Math.abs(ahead))}`;
}

/** A master that serves the portal that was built, one host of two cores with libvirt and QEMU of its own, and a browser. Nobody has an account yet. */
export class WalkSite {
  readonly zone = morningZone();
  readonly lab: LabSite;
  readonly host: LabHost;
  /** Once it is up. */
  browser!: TestBrowser;
  /** Once the first administrator is made. */
  api!: ApiClient;
  readonly admin: Credentials = { name: 'admin', password: randomPassword() };
  readonly student: Credentials = { name: 'asha', password: randomPassword() };

  constructor() {
    if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
    this.lab = new LabSite({
      stateDir: mkdtempSync('/var/tmp/walk-'),
      hosts: [{ name: 'host-1', offerCores: 2, offerRamMiB: 640 }],
      masterConfig: {
        site: { name: 'ParaVCL', timeZone: this.zone },
        portal: { directory: builtPortal },
        fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 10, lostAfterSeconds: 30 },
        placement: { hostRamMiB: 0, criticalLimitPercent: 0 },
        // Short steps, so that the lab sleeps for minutes only: the browser's clock does not sleep with it.
        reservations: { stepMinutes: 5, moveSteps: 24 },
      },
    });
    this.host = this.lab.host('host-1');
  }

  async up(): Promise<void> {
    await this.lab.up();
    const { url, caFile } = this.lab.master;
    this.browser = await TestBrowser.launch({ url, caPem: await readFile(caFile, 'utf8'), suite: 'walk' });
  }

  async down(): Promise<void> {
    await this.browser?.close();
    await this.lab.down();
    await rm(this.lab.options.stateDir, { recursive: true, force: true });
  }

  /** The student's only machine, as it is now. */
  async machine(): Promise<Instance> {
    const [one, ...others] = (await this.api.call(listInstances)).items;
    if (one === undefined || others.length > 0) throw new Error('There should be one machine.');
    return one;
  }

  instanceOf({ id }: Instance): Promise<Instance> {
    return this.api.call(getInstance, { params: { instanceId: id } });
  }

  /** What the guest says of itself: which boot it is, and how far it has counted in its RAM. */
  guestPage({ address, name }: Instance): Promise<GuestPage> {
    return eventually(`the page of ${name}`, patienceMs, () => this.host.evidence.guestPage(address ?? ''));
  }

  /** The last number that the guest printed. */
  async counted({ id }: Instance): Promise<number> {
    return Number([...(await this.host.evidence.serialLog(id)).matchAll(/^count (\d+)\r?$/gm)].at(-1)?.[1] ?? 0);
  }
}

/** Asks the page until it says yes: a page under our content security policy lets nobody wait inside it. */
export function until({ page }: Pick<Visitor, 'page'>, what: string, expression: string): Promise<unknown> {
  return eventually(what, patienceMs, async () => ((await page.evaluate(expression)) === true ? true : undefined), { everyMs: 100 });
}

/** The picture of the machine's screen is there and not of one colour; answers its size. */
export async function screenOf(visitor: Visitor): Promise<readonly [width: number, height: number]> {
  const canvas = "document.querySelector('[role=application]:not([hidden]) canvas')";
  await until(visitor, 'the screen to be shown', `(() => {
    const canvas = ${canvas};
    if (!canvas || canvas.width === 0) return false;
    const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return pixels.some((pixel) => pixel !== pixels[0]);
  })()`);
  return (await visitor.page.evaluate(`(() => { const { width, height } = ${canvas}; return [width, height]; })()`)) as [number, number];
}

/** From now on the page keeps every state and every step of progress that it shows, each once, for as long as it is not loaded anew. */
export async function watchStates({ page }: Pick<Visitor, 'page'>): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(`(() => {
    window.walkSeen = [];
    const look = () => {
      for (const { textContent } of document.querySelectorAll('main .pf-v6-c-label__text, main .pf-v6-c-progress-stepper__step.pf-m-current')) if (!window.walkSeen.includes(textContent)) window.walkSeen.push(textContent);
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    look();
  })()`);
  return async () => ((await page.evaluate('window.walkSeen ?? null')) as readonly string[] | null) ?? ['The page was loaded anew.'];
}
