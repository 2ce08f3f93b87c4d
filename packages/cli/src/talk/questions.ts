import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Refusal, wrongUsage } from '../errors/refusal';
import { harmless } from '../output/harmless';
import type { World } from '../world';

/** Questions to whoever sits at the terminal, on standard error. */
export class Questions {
  constructor(private readonly world: World) {}

  /** Somebody is there who can answer. */
  get canAsk(): boolean {
    return this.world.stdin.isTTY === true && this.world.stderr.isTTY === true;
  }

  /** Asks before something that cannot be undone; `yes` was said beforehand. Throws Refusal when the answer is no, or nobody is there. */
  async confirm(question: string, yes: boolean): Promise<void> {
    if (yes) return;
    if (!this.canAsk) throw wrongUsage(`${question} Nobody is here to answer, so nothing was done.`, 'say it again with --yes');
    const answer = await this.ask(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new Refusal('Nothing was done.');
  }

  /** One line that is typed. */
  async ask(question: string): Promise<string> {
    return this.read(question, this.world.stderr);
  }

  /** One line that is typed and not shown. */
  async askSecretly(question: string): Promise<string> {
    if (!this.canAsk) throw wrongUsage(`${harmless(question).replace(/:? *$/, '')} cannot be asked for: this is no terminal.`);
    // What is typed is echoed by the line's editor, which writes to nowhere here, once it has taken the terminal over; only then is the question shown.
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    const answer = this.read('', silent);
    this.world.stderr.write(harmless(question));
    try {
      return await answer;
    } finally {
      this.world.stderr.write('\n');
    }
  }

  private async read(question: string, output: NodeJS.WritableStream): Promise<string> {
    const lines = createInterface({ input: this.world.stdin, output, terminal: this.world.stdin.isTTY === true });
    const stopped = new AbortController();
    // Ctrl-C, or the end of the input.
    lines.once('SIGINT', () => stopped.abort());
    lines.once('close', () => stopped.abort());
    try {
      return await lines.question(harmless(question), { signal: stopped.signal });
    } catch (error) {
      throw new Refusal('Nothing was done.', null, 1, { cause: error });
    } finally {
      lines.close();
    }
  }
}

/** All of standard input, without the line end it ends with: a password, or a list that a program hands over. Throws Refusal where it is more than so many bytes. */
export async function readAll(input: AsyncIterable<unknown>, mostBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of input) {
    const read = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    bytes += read.length;
    if (bytes > mostBytes) throw wrongUsage(`Standard input has more than ${String(mostBytes)} bytes.`);
    parts.push(read);
  }
  return Buffer.concat(parts).toString('utf8').replace(/\r?\n$/, '');
}
