import { connect as connectTcp } from 'node:net';
import { Client, type ConnectConfig } from 'ssh2';
import { HostInstallFault, type HostConnection, type HostDialler, type HostKeySeen, type HostLogin, type HostPlace } from '../services/host-install-ports';
import { SshHostConnection } from './host-connection';
import { isSameFingerprint, seenKey } from './host-fingerprint';
import { checkPrivateKey } from './login-key';

/** Until keys are agreed on, and from then until somebody has logged in. */
const handshakeMs = 15_000;
const loginMs = 30_000;
const keepaliveMs = 10_000;

/** Of ssh2's, without those of its defaults that are weak. The same for reading a key as for logging in: which of its keys a host shows depends on it. */
const algorithms = {
  serverHostKey: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'],
  compress: ['none'],
} as const;

/** Where a connection stands when it fails. */
interface Standing {
  seen: HostKeySeen | null;
  isAgreed: boolean;
}

/** Logs in to hosts by SSH. Addresses are dialled as they were judged: no name is looked up again here. */
export class SshHostDialler implements HostDialler {
  async readKey(place: HostPlace, signal: AbortSignal): Promise<HostKeySeen> {
    const standing: Standing = { seen: null, isAgreed: false };
    await this.open(place, signal, standing, () => false, null).catch((error: unknown) => {
      if (standing.seen === null) throw error;
    });
    if (standing.seen === null) throw new HostInstallFault(noAnswer(place));
    return standing.seen;
  }

  async connect(place: HostPlace, confirmedKey: string, signal: AbortSignal): Promise<void> {
    const standing: Standing = { seen: null, isAgreed: false };
    await this.open(place, signal, standing, ({ fingerprint }) => isSameFingerprint(fingerprint, confirmedKey), null).catch((error: unknown) => this.judgeKey(place, confirmedKey, standing, error));
  }

  async login(place: HostPlace, confirmedKey: string, login: HostLogin, signal: AbortSignal): Promise<HostConnection> {
    const standing: Standing = { seen: null, isAgreed: false };
    const client = await this.open(place, signal, standing, ({ fingerprint }) => isSameFingerprint(fingerprint, confirmedKey), login).catch((error: unknown) => this.judgeKey(place, confirmedKey, standing, error));
    if (client === null || standing.seen === null) throw new HostInstallFault(noAnswer(place));
    return new SshHostConnection(client, place, login, standing.seen);
  }

  private judgeKey(place: HostPlace, confirmedKey: string, { seen }: Standing, error: unknown): never {
    if (seen !== null && !isSameFingerprint(seen.fingerprint, confirmedKey)) {
      throw new HostInstallFault(
        `${place.address} shows another key than the one that was confirmed: confirmed ${confirmedKey}, shown ${seen.fingerprint} (${seen.keyType}). Nothing was sent to it. When it was installed anew, compare the shown one with ssh-keygen -lf on that host and confirm it; otherwise somebody may be in between.`,
      );
    }
    throw error;
  }

  /** Without a login it ends once keys are agreed on. */
  private async open(place: HostPlace, signal: AbortSignal, standing: Standing, believes: (key: HostKeySeen) => boolean, login: HostLogin | null): Promise<Client | null> {
    const key = login?.credential.kind === 'key' ? login.credential : null;
    if (key !== null) checkPrivateKey(key);
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: place.resolved, port: place.port, noDelay: true, keepAlive: true });
      const client = new Client();
      let isOver = false;
      const end = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const fail = (error: unknown): void => end(() => {
        client.destroy();
        socket.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      const onAbort = (): void => fail(new HostInstallFault(`The connection to ${place.address} was given up.`));
      let timer = setTimeout(() => fail(new HostInstallFault(noAnswer(place))), handshakeMs);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      client.on('handshake', () => {
        standing.isAgreed = true;
        if (login === null) {
          end(() => resolve(null));
          client.end();
          return;
        }
        clearTimeout(timer);
        timer = setTimeout(() => fail(new HostInstallFault(`${place.address} did not decide within ${loginMs / 1000} s whether ${login.user} may log in. Look at its sshd (journalctl -u ssh), and begin again.`)), loginMs);
      });
      client.on('ready', () => end(() => resolve(client)));
      if (login?.credential.kind === 'password') {
        const { password } = login.credential;
        client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)));
      }
      client.on('error', (error: Error & { level?: string }) => fail(new HostInstallFault(this.tell(place, standing, login, error))));
      client.on('close', () => fail(new HostInstallFault(standing.isAgreed ? `${place.address} closed the connection before anybody had logged in. Look at its sshd (journalctl -u ssh), and begin again.` : noAnswer(place))));
      const config: ConnectConfig = {
        sock: socket,
        // Ours are in force.
        readyTimeout: handshakeMs + loginMs,
        keepaliveInterval: keepaliveMs,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: [...algorithms.serverHostKey], compress: [...algorithms.compress] },
        hostVerifier: (blob: Buffer) => {
          standing.seen = seenKey(blob);
          return believes(standing.seen);
        },
        username: login?.user ?? 'nobody',
        ...(login?.credential.kind === 'password' ? { password: login.credential.password, tryKeyboard: true } : {}),
        ...(key === null ? {} : { privateKey: key.privateKey, ...(key.passphrase === undefined ? {} : { passphrase: key.passphrase }) }),
      };
      socket.on('error', () => fail(new HostInstallFault(noAnswer(place))));
      try {
        client.connect(config);
      } catch {
        fail(new HostInstallFault('The private key cannot be used: it is none that this master knows. Give an OpenSSH or PEM key of type ed25519, ecdsa or rsa.'));
      }
    });
  }

  private tell(place: HostPlace, { isAgreed, seen }: Standing, login: HostLogin | null, error: Error & { level?: string }): string {
    if (error.level === 'client-authentication' && login !== null) return refusedLogin(place, login);
    if (isAgreed) return `The connection to ${place.address} ended before anybody had logged in. Begin again; if it ends so again, look at its sshd (journalctl -u ssh).`;
    if (seen === null && /no matching/i.test(error.message)) return `${place.address} and this master have no way in common to encrypt or to show a host key. Bring its SSH server up to date (ssh-keygen -A makes it an ed25519 key).`;
    return noAnswer(place);
  }
}

/** One sentence for a port that is closed, one that is filtered and one that speaks something else: the master is no port scanner. */
function noAnswer({ address, port }: HostPlace): string {
  return `No SSH server answers at ${address} port ${port}. See that the host is on, that openssh-server is installed and running there, and that no firewall is in between; then begin again.`;
}

function refusedLogin({ address }: HostPlace, { user, credential }: HostLogin): string {
  const what = credential.kind === 'password' ? 'this password' : 'this key';
  const root = user === 'root' && credential.kind === 'password' ? ' Many hosts let root in by key only (PermitRootLogin prohibit-password): log in as a user with sudo, or use a key.' : '';
  const key = credential.kind === 'key' ? ` See that its public key stands in ~${user}/.ssh/authorized_keys there.` : ' See that it is right, and that the host takes passwords (PasswordAuthentication).';
  return `${user}@${address} does not take ${what}.${key}${root}`;
}
