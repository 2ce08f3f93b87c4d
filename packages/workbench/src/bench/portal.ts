import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../browser/chromium';
import { serverKey } from '../browser/server-key';
import { eventually } from '../eventually';
import { freePort } from '../lab/free-port';
import { Lab } from '../lab/lab';
import { BarePage } from './bare-page';
import { describeHost, median, type BenchReport } from './report';

const firstPageWithinMs = { must: 1000, aim: 400 };
const firstPageWithinKiB = { must: 350, aim: 200 };

/** What one visit with an empty cache took. */
interface Visit {
  /** Largest contentful paint, since the address was opened. */
  readonly paintMs: number;
  /** Everything that was loaded, as it came over the wire, headers too. */
  readonly bytes: number;
}

/**
 * `npm run bench -- portal`: the login page for somebody who was never here: a new browser context, so no cache and no
 * connection. `first_page_ms` is its largest contentful paint, against a page of one document of as many bytes from a bare https
 * server with the same certificate in the same browser; `first_page_gzip_kib` is all that came, when the browser takes gzip and
 * nothing better. Ours and bare alternate (ABBA).
 */
export async function benchPortal(runs: number, say: (line: string) => void): Promise<BenchReport> {
  const stateDir = await mkdtemp(join(tmpdir(), 'pvbp-'));
  const lab = new Lab({ stateDir, driver: 'simulated', port: 8643, network: { name: 'paravcl-bench', bridge: 'pvclbench0', cidr: '10.214.0.0/24' } });
  let browser: Browser | null = null;
  let bare: BarePage | null = null;
  try {
    await lab.prepare();
    await lab.startMaster();
    browser = await launchChromium(await serverKey(lab.url, await readFile(lab.layout.caFile, 'utf8')));
    const page = { url: `${lab.url}/login`, shows: 'input[type=password]' };

    // Before anything counts: the master compresses each file once.
    const asGzip: number[] = [];
    for (let run = 0; run < runs; run += 1) asGzip.push((await visit(browser, page, 'gzip')).bytes);
    const first = await visit(browser, page);
    bare = await BarePage.start(join(lab.layout.masterState, 'tls'), await freePort('127.0.0.1', 8743), first.bytes);
    const barePage = { url: bare.url, shows: 'h1' };
    await visit(browser, barePage);

    const ours: number[] = [];
    const theirs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const order = run % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
      for (const arm of order) {
        const { paintMs, bytes } = await visit(browser, arm === 'ours' ? page : barePage);
        (arm === 'ours' ? ours : theirs).push(paintMs);
        say(`run ${String(run + 1)} ${arm}: ${String(Math.round(paintMs))} ms, ${String(Math.round(bytes / 1024))} KiB`);
      }
    }
    const paintMs = Math.round(median(ours));
    const bareMs = Math.round(median(theirs));
    const kib = Math.round(median(asGzip) / 102.4) / 10;
    return {
      bench: 'portal',
      host: await describeHost('simulated'),
      figures: [
        {
          name: 'first_page_ms', value: paintMs, unit: 'ms', runs, ...firstPageWithinMs, better: 'lower', holds: paintMs <= firstPageWithinMs.must,
          baseline: { name: 'one document of as many bytes from a bare https server', value: bareMs }, ratio: Math.round((paintMs / bareMs) * 100) / 100,
        },
        { name: 'first_page_gzip_kib', value: kib, unit: 'KiB', runs, ...firstPageWithinKiB, better: 'lower', holds: kib <= firstPageWithinKiB.must, baseline: null, ratio: null },
      ],
    };
  } finally {
    await browser?.close();
    await bare?.close();
    await lab.stopDaemons();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Kept by the page for us: the newest paint and when anything was last loaded. */
const watchPaint = `
window.largestPaintMs = null;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.largestPaintMs = entry.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
`;

/**
 * Opens a page in a context of its own; `encoding`: the only one the browser says it takes.
 * Throws when the page does not show what it is for.
 */
async function visit(browser: Browser, { url, shows }: { readonly url: string; readonly shows: string }, encoding?: 'gzip'): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...(encoding === undefined ? {} : { extraHTTPHeaders: { 'accept-encoding': encoding } }) });
  try {
    await context.addInitScript(watchPaint);
    const page = await context.newPage();
    const wire = await context.newCDPSession(page);
    let bytes = 0;
    const sent = new Set<string>();
    await wire.send('Network.enable');
    wire.on('Network.responseReceived', ({ response }) => sent.add(Object.entries(response.headers).find(([name]) => name.toLowerCase() === 'content-encoding')?.[1] ?? 'identity'));
    wire.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.goto(url, { waitUntil: 'networkidle' });
    await page.locator(shows).waitFor({ timeout: 20_000 });
    if (encoding === 'gzip' && (sent.has('br') || !sent.has('gzip'))) throw new Error(`The browser was sent ${[...sent].join(', ')}; the figure is about gzip.`);
    const paintMs = await eventually('the largest paint', 20_000, async () => ((await page.evaluate('window.largestPaintMs')) as number | null) ?? undefined);
    return { paintMs, bytes };
  } finally {
    await context.close();
  }
}
