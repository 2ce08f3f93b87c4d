import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { MigrationCalls } from './migration-calls';
import { FrameCutter, writeFrame } from './rpc-frame';

const mostAnswers = 64;

/**
 * The destination's libvirt as the source of one migration sees it: what the source writes is judged call by call (`MigrationCalls`),
 * what libvirt answers comes back as it is. Ends with libvirt's socket, and with the first bytes that are no calls.
 */
export class MigrationGate extends Duplex {
  private readonly cutter = new FrameCutter();
  private answers = 0;

  /** @param begin see `GuestMigration.receive` */
  constructor(
    private readonly libvirt: Socket,
    private readonly calls: MigrationCalls,
    private readonly begin: () => Promise<void>,
  ) {
    super({ allowHalfOpen: false });
    libvirt.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) libvirt.pause();
    });
    libvirt.on('end', () => this.push(null));
    libvirt.on('error', (error) => this.destroy(error));
    libvirt.on('close', () => this.destroy());
  }

  override _read(): void {
    this.libvirt.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.passOn(bytes).then(() => done(), (error: unknown) => done(error instanceof Error ? error : new Error(String(error))));
  }

  override _final(done: () => void): void {
    this.libvirt.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.libvirt.destroy();
    done(error);
  }

  private async passOn(bytes: Buffer): Promise<void> {
    for (const frame of this.cutter.cut(bytes)) {
      const verdict = this.calls.judge(frame);
      if (verdict.kind === 'begin') await this.begin();
      if (verdict.kind === 'answer') this.answer(writeFrame(verdict.frame));
      else await this.toLibvirt(writeFrame(verdict.frame));
    }
  }

  /** Nobody need read them, so there are not many. */
  private answer(bytes: Buffer): void {
    this.answers += 1;
    if (this.answers > mostAnswers) throw new Error('Too much was refused of what the source of a migration asked for.');
    this.push(bytes);
  }

  private toLibvirt(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.libvirt.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}
