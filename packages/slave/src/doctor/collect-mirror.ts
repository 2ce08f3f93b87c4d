import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Account } from '../describe/file-access';
import type { RunTool } from '../describe/run-tool';
import { MirrorClient } from '../disks/mirror-client';
import { mirrorFiles } from '../mirror/control-api';
import type { MirrorFacts } from './diagnose-mirror';

export interface MirrorPlace {
  readonly poolDir: string;
  readonly isEnrolled: boolean;
  /** As configured; port 0 serves no other host. */
  readonly peerPort: number;
  readonly peerAddress?: string | undefined;
}

const unit = 'paravcl-mirror.service';
const toolMs = 5000;
const connectMs = 3000;

/** Asks the mirror of this host, and looks at its unit, its socket and its port. Never throws. */
export async function collectMirror({ poolDir, isEnrolled, peerPort, peerAddress }: MirrorPlace, qemuAccount: Account | null, run: RunTool): Promise<MirrorFacts> {
  const path = join(poolDir, mirrorFiles.directory, mirrorFiles.nbdSocket);
  const address = peerAddress ?? '127.0.0.1';
  const [asked, shown, found, answers] = await Promise.all([
    new MirrorClient(poolDir).status().then((status) => ({ status, complaint: '' }), (error: unknown) => ({ status: null, complaint: (error as Error).message })),
    run('systemctl', ['show', '--property=ActiveState', '--value', '--', unit], toolMs),
    stat(path).catch(() => null),
    peerPort === 0 ? false : isListening(address, peerPort),
  ]);
  return {
    isEnrolled,
    unitState: shown.exitStatus === 0 ? shown.stdout.trim() : null,
    ...asked,
    socket: found === null ? null : { path, uid: found.uid, gid: found.gid, mode: found.mode },
    peer: peerPort === 0 ? null : { address, port: peerPort, answers },
    qemuAccount,
  };
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectMs });
    const end = (answers: boolean) => () => {
      socket.destroy();
      resolve(answers);
    };
    socket.on('connect', end(true));
    socket.on('timeout', end(false));
    socket.on('error', end(false));
  });
}
