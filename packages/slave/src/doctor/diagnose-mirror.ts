import type { Account, Ownership } from '../describe/file-access';
import type { MirrorStatus } from '../mirror/control-api';
import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';

export interface MirrorFacts {
  readonly isEnrolled: boolean;
  /** systemd's word for the unit's state: active, failed, inactive, …; null where no systemd runs. */
  readonly unitState: string | null;
  /** Null when it does not answer, and then why. */
  readonly status: MirrorStatus | null;
  readonly complaint: string;
  /** The socket that guests read their disks through; null when there is none. */
  readonly socket: (Ownership & { readonly path: string }) | null;
  /** Where other hosts are to reach it, by the configuration; null when it serves none. */
  readonly peer: { readonly address: string; readonly port: number; readonly answers: boolean } | null;
  readonly qemuAccount: Account | null;
}

const restart = 'systemctl restart paravcl-mirror   # guests wait meanwhile, and go on';

export function diagnoseMirror(facts: MirrorFacts): readonly Finding[] {
  const { isEnrolled, status, complaint, unitState } = facts;
  if (!isEnrolled) return [ok('mirror', 'The mirror is started once this host is enrolled.')];
  if (status === null) {
    const unit = unitState === null || unitState === 'active' ? '' : ` Its unit is ${unitState}.`;
    return [fault('mirror', `The mirror does not answer: no image comes to this host, and guests that read theirs through it wait.${unit} ${complaint}`, 'systemctl enable paravcl-mirror && systemctl restart paravcl-mirror && journalctl -u paravcl-mirror -n 50')];
  }
  return [ok('mirror', `The mirror answers (${status.build}), ${status.readers} ${status.readers === 1 ? 'guest reads' : 'guests read'} through it.`), ...diagnoseUnit(facts), ...diagnoseSocket(facts), ...diagnoseSources(status), ...diagnosePeer(facts, status)];
}

function diagnoseUnit({ unitState }: MirrorFacts): readonly Finding[] {
  if (unitState === null) return [];
  if (unitState === 'active') return [ok('mirror-unit', 'systemd starts the mirror again whenever it ends.')];
  return [warning('mirror-unit', `A mirror answers and its unit is ${unitState}: somebody started it by hand, and nobody starts it again.`, 'systemctl enable --now paravcl-mirror')];
}

function diagnoseSocket({ socket, qemuAccount }: MirrorFacts): readonly Finding[] {
  if (qemuAccount === null) return [];
  if (socket === null) return [fault('mirror-socket', 'The mirror has no socket for guests: somebody removed it.', restart)];
  const mode = (socket.mode & 0o777).toString(8).padStart(4, '0');
  if (socket.uid !== qemuAccount.uid) return [fault('mirror-socket', `${socket.path} belongs to user ${socket.uid} and not to ${qemuAccount.name}, as which guests read from it.`, restart)];
  if ((socket.mode & 0o077) !== 0) return [fault('mirror-socket', `${socket.path} (mode ${mode}) lets other users of this host read every image.`, `chmod 600 ${socket.path}`)];
  return [ok('mirror-socket', `Guests, and nobody else, reach the mirror at ${socket.path}.`)];
}

function diagnoseSources({ masterSince, poolFull }: MirrorStatus): readonly Finding[] {
  const findings = [
    masterSince === null
      ? warning('mirror-master', 'The mirror has no connection with the master: only what this host or another mirror has can be read.', 'journalctl -u paravcl-mirror -n 50')
      : ok('mirror-master', `The mirror is connected with the master since ${masterSince.slice(0, 19)}Z.`),
  ];
  if (poolFull) findings.push(warning('mirror-room', 'The mirror has no room to keep what it brings: every guest’s read goes to another host or the master again.', null));
  return findings;
}

function diagnosePeer({ peer }: MirrorFacts, { peerPort }: MirrorStatus): readonly Finding[] {
  if (peer === null) return [ok('mirror-peers', 'By its configuration this host hands images on to no other.')];
  if (peerPort !== peer.port) {
    return [warning('mirror-peers', `The mirror ${peerPort === null ? 'serves no other host' : `serves other hosts on port ${peerPort}`} and the configuration says port ${peer.port}: it was changed since the mirror was started.`, restart)];
  }
  if (!peer.answers) return [warning('mirror-peers', `Nothing answers at ${peer.address}, port ${peer.port}, where other hosts are to ask for images: they ask the master instead. A firewall or mirror.peerAddress in slave.yaml may be the cause.`, `nc -vz ${peer.address} ${peer.port}   # from another host too`)];
  return [ok('mirror-peers', `Other hosts ask for images on port ${peer.port}.`)];
}
