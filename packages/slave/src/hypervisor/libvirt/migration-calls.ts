import { keepaliveProgram, remoteProgram, rpcCall, rpcReply, statusError, type RpcFrame } from './rpc-frame';
import { XdrReader, xdrOpaque, xdrUint } from './xdr';

/** Procedures of libvirt's remote program that virsh calls on the destination of a migration (seen with libvirt 9.0; numbers are fixed for ever, src/remote/remote_protocol.x). */
export const procedures = { open: 1, close: 2, supportsFeature: 60, authList: 66, prepare: 303, finish: 306 } as const;

/** LIVE, UNDEFINE_SOURCE, PAUSED and NON_SHARED_INC of virDomainMigrateFlags; AUTO_CONVERGE is the source's alone. That the guest arrives paused is what decision 0019 rests on. */
export const migrationFlags = 1 | 16 | 32 | 128;

/** What a guest is let in as: the destination's own, whatever the source asks for. */
export interface Arrival {
  readonly name: string;
  /** Domain XML of the destination's own definition, in its migratable form. */
  readonly definition: string;
  readonly ramUri: string;
  readonly diskUri: string;
  /** Targets of the disks that are copied. */
  readonly disks: readonly string[];
}

export type Verdict =
  | { readonly kind: 'pass'; readonly frame: RpcFrame }
  /** As `pass`, and from now on its disk is written. */
  | { readonly kind: 'begin'; readonly frame: RpcFrame }
  /** Answered in libvirt's stead. */
  | { readonly kind: 'answer'; readonly frame: RpcFrame };

/**
 * Whom the source of a migration may command at the destination: libvirt lets whoever reaches its socket do all that root can. So of
 * its calls only those of one migration go through, `prepare` and `finish` once and in this order; and where the source says what the
 * domain is and where its streams end, the destination's own answer is put in its place. Cookies pass: libvirt reads no definition from them without PERSIST_DEST.
 */
export class MigrationCalls {
  private stage: 'before' | 'prepared' | 'finished' = 'before';

  constructor(
    private readonly arrival: Arrival,
    private readonly uri: string,
  ) {}

  /** Judges what the source sent. Throws when it is no call at all. */
  judge(frame: RpcFrame): Verdict {
    if (frame.program === keepaliveProgram) return { kind: 'pass', frame: { ...frame, body: Buffer.alloc(0) } };
    if (frame.program !== remoteProgram || frame.type !== rpcCall) throw new Error(`A migration's source sends calls of libvirt, none of program ${frame.program.toString(16)} and type ${frame.type}.`);
    switch (frame.procedure) {
      case procedures.authList:
      case procedures.supportsFeature:
      case procedures.close:
        return { kind: 'pass', frame };
      case procedures.open:
        // Read-only or not, and which driver: as this host's agent itself opens it.
        return { kind: 'pass', frame: { ...frame, body: Buffer.concat([xdrUint(1), xdrOpaque(this.uri), xdrUint(0)]) } };
      case procedures.prepare:
        return this.prepare(frame);
      case procedures.finish:
        return this.finish(frame);
      default:
        return refuse(frame, `procedure ${frame.procedure} is no part of a migration`);
    }
  }

  /** Parameters, cookie, flags: remote_domain_migrate_prepare3_params_args. */
  private prepare(frame: RpcFrame): Verdict {
    const { cookie, reader } = readParameters(frame.body);
    const flags = reader.uint();
    reader.end();
    if (flags !== migrationFlags) return refuse(frame, `its flags are ${flags.toString(16)} and not ${migrationFlags.toString(16)}: the agents are of different releases`);
    if (this.stage !== 'before') return refuse(frame, 'a guest is let in once');
    this.stage = 'prepared';
    const body = Buffer.concat([xdrStrings(this.parameters()), xdrOpaque(cookie), xdrUint(flags)]);
    return { kind: 'begin', frame: { ...frame, body } };
  }

  /** Parameters, cookie, flags, cancelled: remote_domain_migrate_finish3_params_args. */
  private finish(frame: RpcFrame): Verdict {
    const { cookie, reader } = readParameters(frame.body);
    const flags = reader.uint();
    const cancelled = reader.uint();
    reader.end();
    if (flags !== migrationFlags) return refuse(frame, 'its flags are not those it began with');
    if (this.stage !== 'prepared') return refuse(frame, 'nothing was let in that could be finished');
    this.stage = 'finished';
    const parameters = xdrStrings([...this.parameters(), ['destination_name', this.arrival.name]]);
    return { kind: 'pass', frame: { ...frame, body: Buffer.concat([parameters, xdrOpaque(cookie), xdrUint(flags), xdrUint(cancelled)]) } };
  }

  /** Of both, in the destination's own words; `migrate_disks` is said once for each. */
  private parameters(): readonly StringParameter[] {
    const { definition, ramUri, diskUri, disks } = this.arrival;
    return [['migrate_uri', ramUri], ['disks_uri', diskUri], ...disks.map((disk): StringParameter => ['migrate_disks', disk]), ['destination_xml', definition]];
  }
}

/** Of virTypedParameterType: a string, and LLONG, ULLONG and DOUBLE, which take eight bytes; the others take four. */
const typedString = 7;
const typedLongs: readonly number[] = [3, 4, 5];

/** Typed parameters of the kinds that a migration has (virTypedParameterType); their values are the source's, and not used. */
function readParameters(body: Buffer): { readonly cookie: Buffer; readonly reader: XdrReader } {
  const reader = new XdrReader(body);
  const count = reader.uint();
  if (count > 64) throw new Error(`A migration has no ${count} parameters.`);
  for (let index = 0; index < count; index += 1) {
    reader.opaque();
    const type = reader.uint();
    if (type === typedString) reader.opaque();
    else reader.skip(typedLongs.includes(type) ? 8 : 4);
  }
  return { cookie: reader.opaque(), reader };
}

type StringParameter = readonly [field: string, value: string];

function xdrStrings(parameters: readonly StringParameter[]): Buffer {
  return Buffer.concat([xdrUint(parameters.length), ...parameters.flatMap(([field, value]) => [xdrOpaque(field), xdrUint(typedString), xdrOpaque(value)])]);
}

/** An error as libvirt answers one: struct remote_error, VIR_ERR_OPERATION_DENIED of VIR_FROM_RPC, with nothing but its message. */
function refuse({ program, version, procedure, serial }: RpcFrame, why: string): Verdict {
  const [operationDenied, fromRpc, levelError, absent] = [29, 7, 2, 0];
  const message = `the destination's agent refuses it: ${why}`;
  const body = Buffer.concat([xdrUint(operationDenied), xdrUint(fromRpc), xdrUint(1), xdrOpaque(message), xdrUint(levelError), ...[absent, absent, absent, absent, 0, 0, absent].map(xdrUint)]);
  return { kind: 'answer', frame: { program, version, procedure, type: rpcReply, serial, status: statusError, body } };
}
