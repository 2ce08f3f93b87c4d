import type { Describe } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import { helloSigningInput, type AgentFrame, type EnrolmentRequest, type Hello } from '@paravcl/shared/protocol/agent-to-master';
import { decodeMasterFrame, encodeFrame } from '@paravcl/shared/protocol/envelope';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';
import { agentEnrolPath, agentLinkPath, protocolVersion } from '@paravcl/shared/protocol/version';
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { WebSocket } from 'ws';
import { eventually } from './eventually';

type FrameOf<T extends MasterFrame['type']> = Extract<MasterFrame, { type: T }>;

/** A host of 4 cores and 8 GiB with working KVM. */
export function plainDescribe(mac: string): Describe {
  return {
    hostname: 'lab-pc-07', cores: 4, threads: 8, relativeSpeed: 1, cpuModel: 'Test CPU', cpuFlags: ['vmx'],
    ramTotalMiB: 8192, ramAvailableMiB: 7000, poolTotalMiB: 100_000, poolAvailableMiB: 90_000,
    hypervisor: { kind: 'kvm', why: 'KVM ran a guest', usable: true, libvirt: '9.0.0', qemu: '7.2.0', machine: 'pc-q35-7.2', cpu: 'qemu64' },
    interfaces: [{ name: 'eth0', mac, physical: true, addresses: ['127.0.0.1'], linkSpeedMbps: 1000 }],
    load1: 0.1, clockOffsetMs: null,
  };
}

export interface DoubleIdentity {
  name: string;
  publicKey: string;
  privateKey: KeyObject;
  machineId: string;
  macs: string[];
}

export function newIdentity(name = 'lab-pc-07'): DoubleIdentity {
  const pair = generateKeyPairSync('ed25519');
  return {
    name,
    publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64url'),
    privateKey: pair.privateKey,
    machineId: randomBytes(16).toString('hex'),
    macs: [`52:54:00:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`],
  };
}

/**
 * An agent played by a test. Every frame the master sends has to be taken with `expect`, in order, or be
 * of a type the test said to ignore; whatever else comes fails the test at the next `expect` or at `end`.
 */
export class AgentDouble {
  private socket: WebSocket | null = null;
  private readonly received: MasterFrame[] = [];
  private readonly ignored = new Set<MasterFrame['type']>(['heartbeat']);
  /** Heartbeats of the master that came over the present connection. */
  heartbeats = 0;
  private closedWith: { code: number; reason: string } | null = null;
  slaveId = '';
  epoch = 1;

  constructor(
    /** `https://127.0.0.1:port` */
    private readonly master: string,
    private readonly ca: string,
    readonly identity: DoubleIdentity = newIdentity(),
  ) {}

  /** Another agent of the same machine and slave: an old copy, a second connection, a changed machine. */
  copy(change: Partial<DoubleIdentity> = {}): AgentDouble {
    const copy = new AgentDouble(this.master, this.ca, { ...this.identity, ...change });
    copy.slaveId = this.slaveId;
    copy.epoch = this.epoch;
    return copy;
  }

  ignore(...types: MasterFrame['type'][]): this {
    for (const type of types) this.ignored.add(type);
    return this;
  }

  enrolmentRequest(token: string): EnrolmentRequest {
    const { name, publicKey, machineId, macs } = this.identity;
    return { token, name, publicKey, machineId, macs, describe: plainDescribe(macs[0] ?? '') };
  }

  /** Enrols over the given HTTP client; answers status and body. */
  async enrol(token: string, post: (path: string, body: unknown) => Promise<{ status: number; body: unknown }>): Promise<{ status: number; body: Record<string, unknown> }> {
    const { status, body } = await post(agentEnrolPath, this.enrolmentRequest(token));
    if (status === 201) this.slaveId = (body as { slaveId: string }).slaveId;
    return { status, body: body as Record<string, unknown> };
  }

  /** Opens the WebSocket; rejects with the HTTP status when the master refuses the upgrade. */
  async dial(headers: Record<string, string> = {}): Promise<void> {
    const socket = new WebSocket(`${this.master.replace(/^https/, 'wss')}${agentLinkPath}`, { ca: this.ca, headers, perMessageDeflate: false });
    this.socket = socket;
    this.closedWith = null;
    this.heartbeats = 0;
    socket.on('message', (data) => {
      const frame = decodeMasterFrame((data as Buffer).toString('utf8'));
      if (frame.type === 'heartbeat') this.heartbeats++;
      if (!this.ignored.has(frame.type)) this.received.push(frame);
    });
    socket.on('close', (code, reason) => (this.closedWith = { code, reason: reason.toString() }));
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('unexpected-response', (_request, response) => reject(new Error(`refused with status ${response.statusCode ?? 0}`)));
      socket.once('error', reject);
    });
    socket.on('error', () => undefined);
  }

  /** Takes the next frame, which must be of this type. */
  async expect<T extends MasterFrame['type']>(type: T): Promise<FrameOf<T>> {
    const frame = await eventually(`a ${type} frame`, () => {
      if (this.received.length === 0 && this.closedWith !== null) throw new Error(`closed (${this.closedWith.code} ${this.closedWith.reason}) while a ${type} frame was expected`);
      return this.received.shift();
    });
    if (frame.type !== type) throw new Error(`a ${frame.type} frame came where ${type} was expected: ${JSON.stringify(frame.payload)}`);
    return frame as FrameOf<T>;
  }

  hello(nonce: string, change: Partial<Hello> = {}): Hello {
    const { publicKey, privateKey, machineId, macs } = this.identity;
    return {
      slaveId: this.slaveId, protocol: protocolVersion, build: 'test', publicKey,
      signature: sign(null, helloSigningInput(nonce, this.slaveId), privateKey).toString('base64url'),
      machineId, macs, epoch: this.epoch,
      describe: plainDescribe(macs[0] ?? '52:54:00:00:00:00'), inventory: [], inventoryComplete: true, foreignDomains: [], ...change,
    };
  }

  /** Dials and says hello; the answer is the next frame to expect. */
  async greet(change: Partial<Hello> = {}): Promise<void> {
    await this.dial();
    const challenge = await this.expect('challenge');
    this.send({ type: 'hello', payload: this.hello(challenge.payload.nonce, change) });
  }

  /** Greets and takes the welcome. */
  async connect(change: Partial<Hello> = {}): Promise<FrameOf<'welcome'>> {
    await this.greet(change);
    return this.expect('welcome');
  }

  send(frame: AgentFrame): void {
    this.sendText(encodeFrame(protocolVersion, newId(Date.now()), frame));
  }

  sendText(text: string | Buffer): void {
    if (this.socket === null) throw new Error('not connected');
    this.socket.send(text);
  }

  /** Stops reading, as a machine does whose network is gone. */
  freeze(): void {
    this.socket?.pause();
  }

  thaw(): void {
    this.socket?.resume();
  }

  async closed(): Promise<{ code: number; reason: string }> {
    return eventually('the end of the connection', () => this.closedWith);
  }

  get isClosed(): boolean {
    return this.closedWith !== null;
  }

  /** Hangs up. Throws when frames came that nobody expected. */
  async end(): Promise<void> {
    this.socket?.terminate();
    if (this.socket !== null && this.socket.readyState !== WebSocket.CONNECTING) await this.closed();
    if (this.received.length > 0) throw new Error(`unexpected frames: ${this.received.map((frame) => `${frame.type} ${JSON.stringify(frame.payload)}`).join('; ')}`);
  }
}
