import { systemClock } from '@paravcl/shared/clock';
import { ChunkPort, type ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import type { Want } from '@paravcl/shared/chunks/frames';
import { masterToMirrorSchema, mirrorHelloSigningInput, mirrorPath, mirrorProtocolVersion, mirrorUpgrade, type MasterToMirror, type MirrorMessage } from '@paravcl/shared/chunks/mirror-messages';
import { sign } from 'node:crypto';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { inflateRawSync } from 'node:zlib';
import type { DoubleIdentity } from './agent-double';
import { eventually } from './eventually';

type MessageOf<T extends MasterToMirror['type']> = Extract<MasterToMirror, { type: T }>;
export type SaidHello = Extract<MirrorMessage, { type: 'hello' }>;

/**
 * A mirror played by a test, over a real connection. What the master says has to be taken with `expect`, in order, or be of a type that
 * the test said to ignore; whatever else comes fails the test at the next `expect` or at `end`.
 */
export class MirrorDouble {
  private connection: { readonly socket: Socket; readonly port: ChunkPort } | null = null;
  private received: MasterToMirror[] = [];
  private readonly ignored = new Set<MasterToMirror['type']>();
  closedWith: string | null = null;
  /** What it answers when the master asks it. */
  held: (index: number) => Buffer | null = () => null;

  constructor(
    /** `https://127.0.0.1:port` */
    private readonly master: string,
    private readonly ca: string,
    readonly identity: DoubleIdentity,
    readonly slaveId: string,
  ) {}

  ignore(...types: MasterToMirror['type'][]): this {
    for (const type of types) this.ignored.add(type);
    this.received = this.received.filter(({ type }) => !this.ignored.has(type));
    return this;
  }

  get socket(): Socket {
    if (this.connection === null) throw new Error('not connected');
    return this.connection.socket;
  }

  get port(): ChunkPort {
    if (this.connection === null) throw new Error('not connected');
    return this.connection.port;
  }

  /** Rejects with the HTTP status when the master refuses the upgrade. */
  async dial(headers: Record<string, string> = {}): Promise<this> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const call = request(new URL(mirrorPath, this.master), { ca: this.ca, agent: false, headers: { connection: 'Upgrade', upgrade: mirrorUpgrade, ...headers } });
      call.on('error', reject);
      call.on('response', (response) => {
        response.resume();
        reject(new Error(`refused with status ${response.statusCode ?? 0}`));
      });
      call.on('upgrade', (_, upgraded, head) => {
        if (head.length > 0) upgraded.unshift(head);
        resolve(upgraded as Socket);
      });
      call.end();
    });
    this.closedWith = null;
    const port = new ChunkPort(socket, {
      onControl: (raw) => {
        const message = masterToMirrorSchema.parse(raw);
        if (!this.ignored.has(message.type)) this.received.push(message);
      },
      onWant: ({ index }) => {
        const data = this.held(index);
        return Promise.resolve(data === null ? { kind: 'lack', why: 'absent' } : { kind: 'chunk', encoding: 'plain', data });
      },
      onClose: (why) => (this.closedWith = why),
    }, systemClock);
    this.connection = { socket, port };
    return this;
  }

  say(message: MirrorMessage): void {
    this.port.sendControl(message);
  }

  hello(nonce: string, change: Partial<SaidHello> = {}): SaidHello {
    const { publicKey, privateKey, machineId } = this.identity;
    return {
      type: 'hello', protocol: mirrorProtocolVersion, slaveId: this.slaveId, machineId, publicKey, build: 'test', peer: { port: 7000, address: null },
      signature: sign(null, mirrorHelloSigningInput(nonce, this.slaveId), privateKey).toString('base64url'), ...change,
    };
  }

  /** Dials and says hello; the answer is the next message to expect. */
  async greet(change: Partial<SaidHello> = {}): Promise<void> {
    await this.dial();
    this.say(this.hello((await this.expect('challenge')).nonce, change));
  }

  async connect(change: Partial<SaidHello> = {}): Promise<MessageOf<'welcome'>> {
    await this.greet(change);
    return this.expect('welcome');
  }

  async open(channel: number, manifest: string, have = ''): Promise<void> {
    this.say({ type: 'open', channel, manifest, have });
    await eventually('the pattern of an image that was opened', () => {
      const at = this.received.findIndex((message) => message.type === 'pattern' || message.type === 'not-opened');
      const [found] = at === -1 ? [] : this.received.splice(at, 1);
      if (found?.type === 'not-opened') throw new Error(found.sentence);
      return found;
    });
  }

  ask(index: number, change: Partial<Want> = {}): Promise<ChunkAnswer> {
    return this.port.ask({ channel: 1, index, urgent: true, insist: false, ...change }).answer;
  }

  async expect<T extends MasterToMirror['type']>(type: T): Promise<MessageOf<T>> {
    const message = await eventually(`a ${type} message`, () => {
      if (this.received.length === 0 && this.closedWith !== null) throw new Error(`closed (${this.closedWith}) while ${type} was expected`);
      return this.received.shift();
    });
    if (message.type !== type) throw new Error(`${message.type} came where ${type} was expected: ${JSON.stringify(message)}`);
    return message as MessageOf<T>;
  }

  /** The members known after all `members` messages so far, by number. */
  takeMembers(known = new Map<number, string>()): Map<number, string> {
    for (let at = this.received.findIndex(({ type }) => type === 'members'); at !== -1; at = this.received.findIndex(({ type }) => type === 'members')) {
      const [message] = this.received.splice(at, 1) as [MessageOf<'members'>];
      for (const number of message.gone) known.delete(number);
      for (const member of message.set) known.set(member.number, member.slaveId);
    }
    return known;
  }

  /** `members` messages that were not taken yet. */
  get untaken(): readonly MessageOf<'members'>[] {
    return this.received.filter((message) => message.type === 'members');
  }

  async closed(): Promise<string> {
    return eventually('the end of the connection', () => this.closedWith);
  }

  /** Hangs up. Throws when something came that nobody expected. */
  async end(): Promise<void> {
    if (this.connection !== null) {
      this.port.close('the test is over');
      await this.closed();
    }
    const rest = this.received.splice(0);
    if (rest.length > 0) throw new Error(`unexpected: ${rest.map((message) => JSON.stringify(message)).join('; ')}`);
  }
}

/** The bytes of a chunk that was sent. */
export function bytesOf(answer: ChunkAnswer): Buffer {
  if (answer.kind !== 'chunk') throw new Error(`a chunk was expected, not ${JSON.stringify(answer)}`);
  return answer.encoding === 'plain' ? Buffer.from(answer.data) : inflateRawSync(answer.data);
}
