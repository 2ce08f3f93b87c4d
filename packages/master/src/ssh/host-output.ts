import { StringDecoder } from 'node:string_decoder';

/** Of each output of a command; what is beyond is read and dropped. */
const mostKeptBytes = 256 * 1024;
/** Of one command: one that says more is given up. */
const mostBytes = 16 * 1024 * 1024;
const longestLine = 2000;
const mostLines = 5000;

/** One output of a command, kept and told by lines up to what a well-meaning host says. */
export class HostOutput {
  private readonly parts: Buffer[] = [];
  private readonly decoder = new StringDecoder('utf8');
  private bytes = 0;
  private line = '';
  private lines = 0;

  /** @param onFlood more came than any verb says */
  constructor(
    private readonly onLine: ((line: string) => void) | undefined,
    private readonly onFlood: () => void,
  ) {}

  add(bytes: Buffer): void {
    const room = mostKeptBytes - this.bytes;
    if (room > 0) this.parts.push(bytes.subarray(0, room));
    this.bytes += bytes.length;
    if (this.bytes > mostBytes) this.onFlood();
    if (this.onLine === undefined || this.lines >= mostLines) return;
    const lines = (this.line + this.decoder.write(bytes)).split('\n');
    this.line = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) this.tell(line);
  }

  end(): string {
    if (this.line !== '') this.tell(this.line);
    this.line = '';
    return Buffer.concat(this.parts).toString('utf8');
  }

  private tell(line: string): void {
    this.lines += 1;
    if (this.lines <= mostLines) this.onLine?.(line.slice(0, longestLine));
  }
}
