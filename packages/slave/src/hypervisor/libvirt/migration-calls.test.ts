import fc from 'fast-check';
import { MigrationCalls, migrationFlags, procedures, type Arrival, type Verdict } from './migration-calls';
import { FrameCutter, keepaliveProgram, remoteProgram, rpcCall, rpcMessage, rpcReply, statusError, writeFrame, type RpcFrame } from './rpc-frame';
import { XdrReader, xdrOpaque, xdrUint } from './xdr';

const arrival: Arrival = { name: 'pv-i-ubuntu-9af', definition: "<domain type='kvm'><name>pv-i-ubuntu-9af</name></domain>", ramUri: 'unix:///pool/run/ram.sock', diskUri: 'unix:///pool/run/nbd.sock', disks: ['vda'] };
const uri = 'qemu:///system';
const call = (procedure: number, body = Buffer.alloc(0), serial = 7): RpcFrame => ({ program: remoteProgram, version: 1, procedure, type: rpcCall, serial, status: 0, body });
const strings = (parameters: Readonly<Record<string, string>>) => Buffer.concat([xdrUint(Object.keys(parameters).length), ...Object.entries(parameters).flatMap(([field, value]) => [xdrOpaque(field), xdrUint(7), xdrOpaque(value)])]);
const evil = { migrate_uri: 'tcp:0.0.0.0:1', destination_xml: "<domain><devices><disk><source file='/etc/shadow'/></disk></devices></domain>", listen_address: '0.0.0.0' };
const prepare = (flags = migrationFlags, cookie = 'biscuit') => call(procedures.prepare, Buffer.concat([strings(evil), xdrOpaque(cookie), xdrUint(flags)]));
const finish = (flags = migrationFlags, cancelled = 0) => call(procedures.finish, Buffer.concat([strings(evil), xdrOpaque('biscuit'), xdrUint(flags), xdrUint(cancelled)]));

function read({ body }: RpcFrame) {
  const reader = new XdrReader(body);
  const parameters = Array.from({ length: reader.uint() }, () => {
    const field = reader.opaque().toString();
    expect(reader.uint()).toBe(7);
    return [field, reader.opaque().toString()];
  });
  return { parameters: Object.fromEntries(parameters) as Record<string, string>, cookie: reader.opaque().toString(), flags: reader.uint(), reader };
}

function refusalOf(verdict: Verdict): string {
  if (verdict.kind !== 'answer') throw new Error(`It was let through as ${verdict.kind}.`);
  const { frame } = verdict;
  expect([frame.type, frame.status]).toEqual([rpcReply, statusError]);
  const reader = new XdrReader(frame.body);
  // Code, domain, and that there is a message; behind it the level, and seven that are absent or 0: struct remote_error.
  reader.skip(3 * 4);
  const message = reader.opaque().toString();
  reader.skip(8 * 4);
  reader.end();
  return message;
}

test('a guest is let in as the destination itself defined it, whatever the source says it is and wherever it wants it', () => {
  const calls = new MigrationCalls(arrival, uri);
  const begun = calls.judge(prepare());
  expect(begun.kind).toBe('begin');
  const { parameters, cookie, flags, reader } = read(begun.frame);
  reader.end();
  expect(parameters).toEqual({ migrate_uri: arrival.ramUri, disks_uri: arrival.diskUri, migrate_disks: 'vda', destination_xml: arrival.definition });
  expect([cookie, flags, begun.frame.serial]).toEqual(['biscuit', migrationFlags, 7]);

  const ended = calls.judge(finish(migrationFlags, 1));
  expect(ended.kind).toBe('pass');
  const last = read(ended.frame);
  expect([last.parameters['destination_xml'], last.parameters['destination_name'], last.parameters['listen_address'], last.reader.uint()]).toEqual([arrival.definition, arrival.name, undefined, 1]);
});

test('each disk that comes along is named, in the order of the guest', () => {
  const { frame } = new MigrationCalls({ ...arrival, disks: ['vda', 'vdc'] }, uri).judge(prepare());
  const reader = new XdrReader(frame.body);
  const named = Array.from({ length: reader.uint() }, () => {
    const field = reader.opaque().toString();
    reader.uint();
    return [field, reader.opaque().toString()] as const;
  });
  expect(named.flatMap(([field, disk]) => (field === 'migrate_disks' ? [disk] : []))).toEqual(['vda', 'vdc']);
});

test('a guest is let in once, and finished once, and not before it was let in', () => {
  const calls = new MigrationCalls(arrival, uri);
  expect(refusalOf(calls.judge(finish()))).toMatch(/nothing was let in/);
  expect(calls.judge(prepare()).kind).toBe('begin');
  expect(refusalOf(calls.judge(prepare()))).toMatch(/once/);
  expect(calls.judge(finish()).kind).toBe('pass');
  expect(refusalOf(calls.judge(finish()))).toMatch(/nothing was let in/);
});

test('with other flags nothing is let in: a guest that would go on by itself least of all', () => {
  const paused = 32;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }).filter((flags) => flags !== migrationFlags), (flags) => {
      expect(refusalOf(new MigrationCalls(arrival, uri).judge(prepare(flags)))).toMatch(/flags/);
    }),
  );
  expect(migrationFlags & paused).toBe(paused);
  const calls = new MigrationCalls(arrival, uri);
  calls.judge(prepare());
  expect(refusalOf(calls.judge(finish(migrationFlags & ~paused)))).toMatch(/flags/);
});

test('every other call of libvirt is answered with an error, and never reaches it', () => {
  const known: readonly number[] = Object.values(procedures);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600 }).filter((procedure) => !known.includes(procedure)), fc.uint8Array(), (procedure, body) => {
      expect(refusalOf(new MigrationCalls(arrival, uri).judge(call(procedure, Buffer.from(body))))).toMatch(/no part of a migration/);
    }),
  );
});

test('libvirt is opened as the agent of this host opens it, whatever the source names', () => {
  const { kind, frame } = new MigrationCalls(arrival, uri).judge(call(procedures.open, Buffer.concat([xdrUint(1), xdrOpaque('lxc:///system'), xdrUint(1)])));
  const reader = new XdrReader(frame.body);
  expect([kind, reader.uint(), reader.opaque().toString(), reader.uint()]).toEqual(['pass', 1, uri, 0]);
});

test('a sign of life passes, and brings nothing along', () => {
  const ping: RpcFrame = { ...call(1, Buffer.from('anything')), program: keepaliveProgram, type: rpcMessage };
  expect(new MigrationCalls(arrival, uri).judge(ping)).toEqual({ kind: 'pass', frame: { ...ping, body: Buffer.alloc(0) } });
});

test('what is no call ends the connection: another program, an answer, arguments that end too soon or too late', () => {
  const calls = new MigrationCalls(arrival, uri);
  const whole = prepare();
  expect(() => calls.judge({ ...whole, program: remoteProgram + 1 })).toThrow(/sends calls of libvirt/);
  expect(() => calls.judge({ ...whole, type: rpcReply })).toThrow(/sends calls of libvirt/);
  expect(() => calls.judge({ ...whole, body: whole.body.subarray(0, -1) })).toThrow(/too soon/);
  expect(() => calls.judge({ ...whole, body: Buffer.concat([whole.body, Buffer.alloc(4)]) })).toThrow(/longer/);
  expect(() => calls.judge({ ...whole, body: xdrUint(4_000_000_000) })).toThrow(/parameters/);
});

test('frames come out of a stream as they went in, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.uint8Array({ maxLength: 300 })), { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.integer({ min: 1, max: 97 })), (sent, cuts) => {
      const frames = sent.map(([procedure, body], serial) => call(procedure, Buffer.from(body), serial));
      let rest = Buffer.concat(frames.map(writeFrame));
      const cutter = new FrameCutter();
      const got: RpcFrame[] = [];
      while (rest.length > 0) {
        const length = cuts.next().value as number;
        got.push(...cutter.cut(rest.subarray(0, length)));
        rest = rest.subarray(length);
      }
      expect(got).toEqual(frames);
    }),
  );
});

test('a length that no frame of libvirt has ends the stream', () => {
  expect(() => new FrameCutter().cut(xdrUint(27))).toThrow(/27 bytes/);
  expect(() => new FrameCutter().cut(xdrUint(64 * 1024 * 1024))).toThrow(/67108864 bytes/);
});
