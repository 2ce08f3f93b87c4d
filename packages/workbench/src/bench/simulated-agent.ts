import type { Describe } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import { helloSigningInput, type AgentFrame } from '@paravcl/shared/protocol/agent-to-master';
import { decodeMasterFrame, encodeFrame } from '@paravcl/shared/protocol/envelope';
import { protocolVersion } from '@paravcl/shared/protocol/version';
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { LightSocket, maskedText } from './light-socket';

/** Who a simulated slave is: everything follows from its number. */
export interface SimulatedIdentity {
  readonly number: number;
  readonly slaveId: string;
  readonly name: string;
  readonly address: string;
  readonly machineId: string;
  readonly mac: string;
  /** SPKI DER, base64url. */
  readonly publicKey: string;
  readonly key: KeyObject;
}

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

/** PKCS #8 of an Ed25519 key is this and its 32 bytes (RFC 8410 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Slave `number` (0 ≤ number < 60,000), with a loopback address, a key and a machine of its own. */
export function simulatedIdentity(number: number): SimulatedIdentity {
  const seed = createHash('sha256').update(`simulated slave ${String(number)}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  return {
    number,
    slaveId: `019a0000-0000-7000-8000-${hex(number, 12)}`,
    name: `simulated-${String(number)}`,
    address: `127.1.${String(number >> 8)}.${String(number & 255)}`,
    machineId: hex(number, 32),
    mac: `52:54:00:${hex(number >> 16, 2)}:${hex((number >> 8) & 255, 2)}:${hex(number & 255, 2)}`,
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64url'),
    key,
  };
}

/** A lab PC of four cores as a real agent describes it: same fields, same size. */
export function simulatedDescribe({ name, address, mac }: Pick<SimulatedIdentity, 'name' | 'address' | 'mac'>): Describe {
  return {
    hostname: name, cores: 4, threads: 8, relativeSpeed: 1.2, cpuModel: 'Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz',
    cpuFlags: 'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss ht syscall nx pdpe1gb rdtscp lm constant_tsc rep_good nopl xtopology cpuid pni pclmulqdq vmx ssse3 fma cx16 pcid sse4_1 sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor lahf_lm abm 3dnowprefetch'.split(' '),
    ramTotalMiB: 16_000, ramAvailableMiB: 14_000, poolTotalMiB: 200_000, poolAvailableMiB: 190_000,
    hypervisor: { kind: 'simulated', why: 'A simulated slave of a benchmark.', usable: true, libvirt: '9.0.0', qemu: '7.2.0', machine: 'pc-q35-7.2', cpu: 'Skylake-Client-v4' },
    interfaces: [{ name: 'enp1s0', mac, physical: true, addresses: [address], linkSpeedMbps: 1000 }],
    load1: 0.25, clockOffsetMs: null, troubles: [],
  };
}

export interface FleetTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly secureContext: SecureContext;
  /** Bare: a WebSocket server that only takes what comes; live as soon as it is open. */
  readonly bare: boolean;
}

export interface SimulatedAgentEvents {
  onLive(agent: SimulatedAgent): void;
  /** Anything but a wish of ours ended the connection. */
  onDown(agent: SimulatedAgent, why: string): void;
}

/** One agent's link, speaking the real protocol by the shared schemas; no host behind it. */
export class SimulatedAgent {
  private socket: LightSocket | null = null;
  private live = false;
  private refusal = '';
  /** Tries since it was live last. */
  attempt = 0;
  /** Heartbeats of the master. */
  heard = 0;

  constructor(
    readonly identity: SimulatedIdentity,
    private readonly events: SimulatedAgentEvents,
  ) {}

  get isLive(): boolean {
    return this.live;
  }

  dial(target: FleetTarget): void {
    this.refusal = '';
    const socket: LightSocket = new LightSocket({ ...target, from: this.identity.address }, {
      onOpen: () => {
        if (target.bare) this.welcomed();
      },
      onText: (text) => {
        if (!target.bare) this.receive(socket, text);
      },
      onClosed: (status) => {
        if (socket !== this.socket) return;
        this.socket = null;
        this.live = false;
        this.events.onDown(this, this.refusal !== '' ? this.refusal : status !== null && status !== 101 ? `HTTP ${String(status)}` : 'cut');
      },
    });
    this.socket = socket;
  }

  /** Ends the link without a word, as a power cut does. */
  hangUp(): void {
    const { socket } = this;
    this.socket = null;
    this.live = false;
    socket?.cut();
  }

  /** False when it is not live or what was sent before is still here. */
  heartbeat(load1: number, now: number): boolean {
    if (!this.live || this.socket === null || this.socket.unsentBytes > 65_536) return false;
    this.socket.send(frame({ type: 'heartbeat', payload: { agentTime: new Date(now).toISOString(), load1, ramAvailableMiB: 14_000, poolAvailableMiB: 190_000 } }, now));
    return true;
  }

  private receive(socket: LightSocket, text: string): void {
    const message = decodeMasterFrame(text);
    switch (message.type) {
      case 'challenge': {
        const { identity } = this;
        const { slaveId, publicKey, machineId, mac } = identity;
        const signature = sign(null, helloSigningInput(message.payload.nonce, slaveId), identity.key).toString('base64url');
        const payload = {
          slaveId, protocol: protocolVersion, build: 'simulated', publicKey, signature, machineId, macs: [mac], epoch: 1,
          describe: simulatedDescribe(identity), inventory: [], inventoryComplete: true, foreignDomains: [],
        };
        socket.send(frame({ type: 'hello', payload }, Date.now()));
        return;
      }
      case 'welcome':
        return this.welcomed();
      case 'refused':
        this.refusal = `${message.payload.code}: ${message.payload.sentence}`;
        return;
      case 'heartbeat':
        this.heard++;
        return;
      default:
      // It has no host that anything could be done on.
    }
  }

  private welcomed(): void {
    this.live = true;
    this.attempt = 0;
    this.events.onLive(this);
  }
}

const frame = (of: AgentFrame, now: number): Buffer => maskedText(encodeFrame(protocolVersion, newId(now), of));
