import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { systemClock } from '@paravcl/shared/clock';
import { chunkLength, type Manifest } from '@paravcl/shared/chunks/manifest';
import { readEnrolment, trustOf } from '@paravcl/slave/link/enrolment-record';
import { readAgentKey, readMachineId } from '@paravcl/slave/link/identity';
import type { LocalImage } from '@paravcl/slave/mirror/local-image';
import { ManifestFetcher } from '@paravcl/slave/mirror/manifest-fetcher';
import { MasterDoor } from '@paravcl/slave/mirror/master-door';
import { PeerServer } from '@paravcl/slave/mirror/peer-server';
import { eventually } from '@paravcl/workbench/eventually';
import pino from 'pino';

/**
 * A program in place of a host's mirror, with its key: it says that it has every chunk of one image, and gives random bytes to
 * whoever asks. Writes `serves` once others are sent to it, and `lied INDEX` for every chunk.
 */
async function lie(stateDir: string, peerAddress: string, id: string): Promise<void> {
  const [enrolment, key, machineId] = await Promise.all([readEnrolment(stateDir), readAgentKey(stateDir), readMachineId('/etc/machine-id')]);
  if (enrolment === null || key === null) throw new Error('This host is not enrolled.');
  let manifest: Manifest | null = null;
  const held = (index: number): Promise<Buffer | null> => {
    if (manifest === null) return Promise.resolve(null);
    process.stdout.write(`lied ${String(index)}\n`);
    return Promise.resolve(randomBytes(chunkLength(manifest, index)));
  };
  const log = pino({ name: 'liar' });
  const find = (): LocalImage | null => (manifest === null ? null : ({ id, manifest, has: () => true, held } as Partial<LocalImage> as LocalImage));
  const server = await PeerServer.listen({ port: 7443, images: { find, soon: () => Promise.resolve(find()) }, bringsFor: () => false, manifestUpTo: () => Promise.resolve(null), clock: systemClock, log });
  if (server === null) throw new Error('The port for other mirrors is taken.');
  const door = new MasterDoor(
    {
      clock: systemClock, log, random: Math.random, masterUrl: enrolment.masterUrl, ...(await trustOf(stateDir, enrolment)),
      slaveId: enrolment.slaveId, siteId: enrolment.siteId, machineId, build: 'liar', key,
      peer: () => ({ port: server.port, address: peerAddress }),
      present: () => ({ bits: Buffer.alloc(0), complete: true }),
      manifest: () => null,
      held: (_, index) => held(index),
    },
    {
      onSecret: (secret) => server.welcome(secret),
      onMembers: (_, { self }) => {
        if (self !== null) process.stdout.write('serves\n');
      },
      onPattern: () => undefined,
      onPreCopy: () => undefined,
      onGone: () => undefined,
      onUp: () => undefined,
    },
  );
  door.start();
  await eventually('the master', 60_000, () => (door.isUp ? true : undefined));
  const alone = { to: () => Promise.resolve(null), introduced: () => Promise.resolve(null), closed: () => undefined };
  manifest = await new ManifestFetcher(door, alone, alone, systemClock).manifest(id);
}

const { values, positionals: [manifestId = ''] } = parseArgs({
  allowPositionals: true,
  options: { 'state-dir': { type: 'string' }, config: { type: 'string' }, 'pool-dir': { type: 'string' }, address: { type: 'string' } },
});
void lie(values['state-dir'] ?? '', values.address ?? '', manifestId).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
