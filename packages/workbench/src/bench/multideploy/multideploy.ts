import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { describeHost, median, type BenchReport, type Figure } from '../report';
import { bootFromMaster, copyInParallel, QemuNbd } from './baselines';
import { askedBytes, bootChunks, inOrderSeconds, ownSeconds, readBootTrace, recordedBootFile, type BootTrace } from './boot-trace';
import { figure, idealSeconds, saving, scaledSeconds, speedup, type DeployBounds } from './deploy-figures';
import { drawPictures } from './deploy-pictures';
import { DeploySite, type DeployRun, type RealRun } from './deploy-site';
import type { RealBoot } from './real-guests';
import { linkBytesPerSecond, imageBytes } from './sizes';

const guestCounts = [4, 8, 16, 32] as const;
const most = 32;
/** Deployed one after another, and as the next version. */
const few = 4;
const warmRuns = 9;
/** As many as both cores serve at leisure: it is the mirror that is measured, not the machine. */
const warmGuests = 4;
/** Baselines that take 20 to 30 s, and what has no must: this often. Those of the master's link with so few bytes that it is busy for less than 30 s. */
const longRuns = 3;
const baselineHosts = 4;
const copiedBytes = imageBytes / 20;
const latencyReads = 4000;

/**
 * `npm run bench -- multideploy` (DEFINITIONS, "Measuring"): N guests boot from one image at once, each on a host of its own
 * whose link, like the master's, has 25 Mbit/s. The guests are replayed: what a recorded boot read, with its pauses, every byte
 * compared. Rounds of all arms, so that ours and the baselines alternate; every mirror begins a run empty and connected.
 */
export async function benchMultideploy(runs: number, say: (line: string) => void, pictures: string | null = null): Promise<BenchReport> {
  const stateDir = await mkdtemp('/var/tmp/pvclb-');
  const trace = await readBootTrace(recordedBootFile);
  const site = new DeploySite(stateDir, { file: recordedBootFile, boot: trace }, most, say);
  const bench = new MultideployBench(site, stateDir, trace, say);
  try {
    await Promise.race([bench.run(runs), interrupted()]);
    const figures = bench.figures();
    if (pictures !== null) {
      await mkdir(pictures, { recursive: true });
      for (const [name, svg] of drawPictures(bench.pictured())) await writeFile(join(pictures, name), svg);
    }
    return { bench: 'multideploy', host: await describeHost('none: replayed boots'), figures };
  } finally {
    await site.down();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Rejects at Ctrl-C and the like, so that what was started is ended and nothing is left behind. */
function interrupted(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => reject(new Error(`The bench was ended by ${signal}.`)));
  });
}

class MultideployBench {
  private readonly cold = new Map<number, DeployRun[]>(guestCounts.map((guests) => [guests, []]));
  private readonly unrecorded: DeployRun[] = [];
  private readonly warm: DeployRun[] = [];
  private readonly warmPlain: { readonly seconds: number; readonly cpuSeconds: number }[] = [];
  private readonly latency: { readonly ours: number[]; readonly plain: number[] } = { ours: [], plain: [] };
  private readonly fromScratch: DeployRun[] = [];
  private readonly nextVersion: DeployRun[] = [];
  private readonly oneByOne: DeployRun[] = [];
  private readonly real: RealRun[] = [];
  private readonly realHere: RealBoot[] = [];
  private readonly copies: number[] = [];
  private readonly nbds: number[] = [];
  private readonly chunks: readonly number[];

  constructor(
    private readonly site: DeploySite,
    private readonly stateDir: string,
    private readonly trace: BootTrace,
    private readonly say: (line: string) => void,
  ) {
    this.chunks = bootChunks(trace, defaultChunkBytes);
  }

  async run(runs: number): Promise<void> {
    const { trace, say } = this;
    say(trace.origin);
    say(`replayed: ${String(trace.reads.length)} reads of ${mib(askedBytes(trace))} MiB in ${mib(this.bootSetBytes)} MiB of chunks, ${ownSeconds(trace).toFixed(2)} s of its own; an image of ${mib(imageBytes)} MiB of noise`);
    say(`chunks that come in just the order in which they are read let it boot in ${inOrderSeconds(trace, defaultChunkBytes, linkBytesPerSecond).toFixed(2)} s over an empty link: no cold boot is faster`);
    await this.site.up();
    for (let round = 0; round < runs; round += 1) {
      await this.versions(round);
      await this.realGuests(round);
      for (const guests of guestCounts.slice(1)) await this.coldRun(round, guests);
      if (round >= longRuns) continue;
      await this.unrecordedRun(round);
      await this.inTurn(round);
      await this.copyRun(round);
      await this.nbdRun(round);
    }
    // The hosts have the boot set since the last cold run: the last rounds end with it.
    await this.warmBoots();
    await this.smallReads(runs);
  }

  figures(): readonly Figure[] {
    const cold = (guests: number): readonly DeployRun[] => this.cold.get(guests) ?? [];
    const seconds = (runs: readonly DeployRun[]): readonly number[] => runs.map((run) => run.seconds);
    const egress = guestCounts.map((guests) => {
      const ratios = cold(guests).map((run) => run.masterSentBytes / this.bootSetBytes);
      return figure({ name: `egress_ratio_n${String(guests)}`, value: median(ratios), unit: 'of the boot set', runs: ratios.length, must: 1.3, aim: 1.05, better: 'lower' });
    });
    const all = cold(most);
    const ideal = this.ideal(most);
    const ratioCold = (runs: readonly DeployRun[]): number => ideal / median(seconds(runs));
    const own = ownSeconds(this.trace);
    const plain = median(this.warmPlain.map((run) => run.seconds));
    const [ours4k, plain4k] = [median(this.latency.ours), median(this.latency.plain)];
    const copy = scaled(`each host copies the image over HTTPS; ${String(baselineHosts)} copied ${mib(copiedBytes)} MiB`);
    const nbd = scaled(`qemu-nbd on the master, no peers; ${String(baselineHosts)} booted`);
    const wrong = [...guestCounts.flatMap((guests) => cold(guests)), ...this.unrecorded, ...this.warm, ...this.fromScratch, ...this.nextVersion, ...this.oneByOne].reduce((sum, run) => sum + run.wrongBytes, 0);
    const runsInAll = this.fromScratch.length + this.nextVersion.length + this.oneByOne.length + this.warm.length + this.unrecorded.length + guestCounts.reduce((sum, guests) => sum + cold(guests).length, 0);
    return [
      ...egress,
      figure({ name: 'ideal_time_ratio_cold', value: ratioCold(all), unit: 'of the ideal', runs: all.length, baseline: { name: `ideal, s, against ${median(seconds(all)).toFixed(2)} s`, value: ideal }, must: 0.5, aim: 0.8, better: 'higher' }),
      figure({ name: 'ideal_time_ratio_cold_unrecorded', value: ratioCold(this.unrecorded), unit: 'of the ideal', runs: this.unrecorded.length, baseline: { name: `ideal, s, against ${median(seconds(this.unrecorded)).toFixed(2)} s`, value: ideal }, must: null, aim: null, better: 'higher' }),
      figure({ name: 'ideal_time_ratio_warm', value: own / median(seconds(this.warm)), unit: 'of the ideal', runs: this.warm.length, baseline: { name: 'qemu-nbd of a local file', value: own / plain }, ratio: plain / median(seconds(this.warm)), must: 0.9, aim: 0.98, better: 'higher' }),
      speedup('speedup_vs_copy', seconds(all), { name: copy, values: this.copies }, { must: 20, aim: 100 }),
      speedup('speedup_vs_nbd', seconds(all), { name: nbd, values: this.nbds }, { must: 8, aim: 30 }),
      figure({ name: 'local_read_ratio', value: ours4k / plain4k, unit: '×', runs: this.latency.ours.length, baseline: { name: `qemu-nbd of a local file, ms p50, against ${ours4k.toFixed(3)} ms`, value: plain4k }, must: 1.5, aim: 1, better: 'lower' }),
      saving('incremental_saving', seconds(this.nextVersion), { name: 'the same version from scratch', values: seconds(this.fromScratch) }, 0.85),
      saving('parallel_saving', seconds(cold(few)), { name: `${String(few)} hosts one after another`, values: seconds(this.oneByOne) }, 0.445),
      figure({ name: 'read_amplification', value: median(all.map((run) => run.fetchedBytes / (most * askedBytes(this.trace)))), unit: 'bytes fetched for each that was asked for', runs: all.length, must: null, aim: null, better: 'lower' }),
      figure({ name: 'egress_ratio_real_guests', value: median(this.real.map((run) => run.masterSentBytes / run.fetchedBytes)), unit: `of what one of ${String(few)} reads`, runs: this.real.length, must: 1.3, aim: 1.05, better: 'lower' }),
      figure({ name: 'real_guests_time_ratio', value: median(this.realHere.map((run) => run.seconds)) / median(this.real.map((run) => run.seconds)), unit: 'of the time from a plain file', runs: this.real.length, baseline: { name: `${String(few)} guests from a plain file, s, against ${median(this.real.map((run) => run.seconds)).toFixed(2)} s cold`, value: median(this.realHere.map((run) => run.seconds)) }, must: null, aim: null, better: 'higher' }),
      figure({ name: 'real_guests_wrong', value: [...this.real, ...this.realHere].reduce((sum, run) => sum + run.wrongSums, 0), unit: 'guests that read something else', runs: this.real.length, must: 0, aim: 0, better: 'lower' }),
      figure({ name: 'wrong_bytes', value: wrong, unit: 'bytes', runs: runsInAll, must: 0, aim: 0, better: 'lower' }),
    ];
  }

  /** What the pictures show. */
  pictured() {
    const seconds = (runs: readonly DeployRun[] | undefined): number => median((runs ?? []).map((run) => run.seconds));
    const middle = (runs: readonly DeployRun[]): DeployRun | undefined => [...runs].sort((a, b) => a.seconds - b.seconds)[runs.length >> 1];
    const nbdPerGuest = median(this.nbds) / most;
    const copyPerGuest = median(this.copies) / most;
    return {
      trace: this.trace,
      bootSetBytes: this.bootSetBytes,
      askedBytes: askedBytes(this.trace),
      imageBytes,
      counts: guestCounts.map((guests) => ({
        guests,
        seconds: seconds(this.cold.get(guests)),
        ideal: this.ideal(guests),
        nbd: Math.max(nbdPerGuest * guests, ownSeconds(this.trace)),
        copy: copyPerGuest * guests,
        sentBytes: median((this.cold.get(guests) ?? []).map((run) => run.masterSentBytes)),
      })),
      recorded: middle(this.cold.get(most) ?? [])?.answeredAtMs ?? [],
      unrecorded: middle(this.unrecorded)?.answeredAtMs ?? [],
    };
  }

  private get bootSetBytes(): number {
    return this.chunks.length * defaultChunkBytes;
  }

  private ideal(guests: number): number {
    const localCpuSeconds = median(this.warmPlain.map((run) => run.cpuSeconds));
    const bounds: DeployBounds = { bootSetBytes: this.bootSetBytes, linkBytesPerSecond, ownSeconds: ownSeconds(this.trace), localCpuSeconds, cores: cpus().length };
    return idealSeconds(bounds, guests);
  }

  private async coldRun(round: number, guests: number): Promise<void> {
    const hosts = this.site.hosts.slice(0, guests);
    await this.site.onlyEmpty(hosts);
    const run = await this.site.boot(hosts, this.site.content.first);
    this.cold.get(guests)?.push(run);
    this.told(round, `cold, ${String(guests)} guests`, run);
  }

  /** Version 2 from scratch; then cold boots of version 1, and version 2 where version 1 is. The reads without the guest's pauses: what is left is the deployment. */
  private async versions(round: number): Promise<void> {
    const { site } = this;
    const hosts = site.hosts.slice(0, few);
    await site.onlyEmpty(hosts);
    const scratch = await site.boot(hosts, site.content.second, { withPauses: false });
    this.fromScratch.push(scratch);
    this.told(round, 'version 2 from scratch, no pauses', scratch);
    await this.coldRun(round, few);
    const next = await site.boot(hosts, site.content.second, { withPauses: false });
    this.nextVersion.push(next);
    this.told(round, 'version 2 where version 1 is, no pauses', next);
  }

  /** QEMU with a kernel of its own; nobody recorded how it boots. */
  private async realGuests(round: number): Promise<void> {
    const { site } = this;
    const hosts = site.hosts.slice(0, few);
    const plain = await site.bootRealHere(few);
    this.realHere.push(plain);
    await site.onlyEmpty(hosts);
    const run = await site.bootReal(hosts);
    this.real.push(run);
    this.say(`round ${String(round + 1)} ${String(few)} real guests, cold: ${run.seconds.toFixed(1)} s, the master sent ${mib(run.masterSentBytes)} MiB of the ${mib(run.fetchedBytes)} MiB that each read; from a plain file ${plain.seconds.toFixed(1)} s`);
  }

  private async inTurn(round: number): Promise<void> {
    const hosts = this.site.hosts.slice(0, few);
    await this.site.onlyEmpty(hosts);
    const run = await this.site.boot(hosts, this.site.content.first, { oneAfterAnother: true });
    this.oneByOne.push(run);
    this.told(round, `${String(few)} hosts one after another`, run);
  }

  /** Straight after a cold run of all: nobody has a chunk of this image yet. */
  private async unrecordedRun(round: number): Promise<void> {
    const run = await this.site.boot(this.site.hosts.slice(0, most), this.site.content.unrecorded);
    this.unrecorded.push(run);
    this.told(round, `cold, ${String(most)} guests, no pattern of the image`, run);
  }

  private async copyRun(round: number): Promise<void> {
    const { site, stateDir } = this;
    const numbers = site.hosts.slice(0, baselineHosts).map(({ number }) => number);
    const measuredSeconds = await copyInParallel(site.content.first, numbers, copiedBytes, { directory: stateDir, tlsDirectory: site.tlsDirectory });
    const seconds = scaledSeconds({ measuredSeconds, measuredBytes: baselineHosts * copiedBytes, wantedBytes: most * imageBytes });
    this.copies.push(seconds);
    this.say(`round ${String(round + 1)} copies: ${measuredSeconds.toFixed(1)} s for ${String(baselineHosts)} × ${mib(copiedBytes)} MiB; scaled to ${String(most)} images ${seconds.toFixed(0)} s`);
  }

  private async nbdRun(round: number): Promise<void> {
    const { site, stateDir } = this;
    const { first } = site.content;
    const nbd = await QemuNbd.start(first, stateDir, 'master');
    try {
      const reports = await bootFromMaster(nbd, site.hosts.slice(0, baselineHosts).map(({ number }) => number), { traceFile: recordedBootFile, imageFile: first.path });
      const measuredSeconds = Math.max(...reports.map((report) => report.seconds));
      const seconds = scaledSeconds({ measuredSeconds, measuredBytes: baselineHosts, wantedBytes: most });
      this.nbds.push(seconds);
      this.say(`round ${String(round + 1)} qemu-nbd on the master: ${measuredSeconds.toFixed(1)} s for ${String(baselineHosts)} guests; scaled to ${String(most)} ${seconds.toFixed(0)} s`);
    } finally {
      await nbd.stop();
    }
  }

  /** Chunks are on the host; ours and qemu-nbd of the plain file alternate (ABBA). */
  private async warmBoots(): Promise<void> {
    const { site, stateDir } = this;
    const { first } = site.content;
    const hosts = site.hosts.slice(0, warmGuests);
    const local = await QemuNbd.start(first, stateDir, 'local');
    try {
      for (let run = 0; run < warmRuns; run += 1) {
        for (const arm of run % 2 === 0 ? (['ours', 'plain'] as const) : (['plain', 'ours'] as const)) {
          if (arm === 'ours') {
            const ours = await site.boot(hosts, first);
            this.warm.push(ours);
            this.told(run, `warm, ${String(warmGuests)} guests`, ours);
            continue;
          }
          const before = await local.program.cpuSeconds();
          const { seconds, cpuSeconds, guests } = await site.replay.boot({ guests: hosts.map(() => local.guest), traceFile: recordedBootFile, imageFile: first.path, withPauses: true, oneAfterAnother: false });
          const served = (await local.program.cpuSeconds()) - before;
          this.warmPlain.push({ seconds, cpuSeconds: (cpuSeconds + served) / guests.length });
          this.say(`round ${String(run + 1)} warm from qemu-nbd of a local file: ${seconds.toFixed(2)} s, ${((cpuSeconds + served) / guests.length).toFixed(2)} s of processor a guest`);
        }
      }
    } finally {
      await local.stop();
    }
  }

  private async smallReads(runs: number): Promise<void> {
    const { site, stateDir, chunks } = this;
    const { first } = site.content;
    const [host] = site.hosts;
    if (host === undefined) return;
    const local = await QemuNbd.start(first, stateDir, 'local');
    try {
      for (let run = 0; run < runs; run += 1) {
        for (const arm of run % 2 === 0 ? (['ours', 'plain'] as const) : (['plain', 'ours'] as const)) {
          const guest = arm === 'ours' ? host.guest(first.manifest) : local.guest;
          const { p50Ms } = await site.replay.latency({ guest, chunks, chunkBytes: defaultChunkBytes, reads: latencyReads });
          this.latency[arm].push(p50Ms);
          this.say(`round ${String(run + 1)} 4 KiB reads, ${arm === 'ours' ? 'mirror' : 'qemu-nbd'}: ${p50Ms.toFixed(3)} ms p50`);
        }
      }
    } finally {
      await local.stop();
    }
  }

  private told(round: number, what: string, { seconds, guests, wrongBytes, masterSentBytes: sent, fetchedBytes, cpu }: DeployRun): void {
    if (wrongBytes > 0) this.say(`WRONG BYTES: ${String(wrongBytes)}`);
    this.say(
      `round ${String(round + 1)} ${what}: ${seconds.toFixed(2)} s, the master sent ${mib(sent)} MiB (${(sent / this.bootSetBytes).toFixed(2)} boot sets), mirrors got ${mib(fetchedBytes / guests)} MiB each; ` +
        `processor: mirrors ${cpu.mirrors.toFixed(1)}, master ${cpu.master.toFixed(1)}, readers ${cpu.readers.toFixed(1)} s`,
    );
  }
}

const scaled = (name: string): string => `${name}, scaled to ${String(most)}`;
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
