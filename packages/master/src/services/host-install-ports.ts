import type { HostCredential } from '@paravcl/shared/api/host-installs';

/** Why a step could not be done: what, why, and the way out, for whoever asked. Everything else that is thrown is a fault of ours. */
export class HostInstallFault extends Error {
  override readonly name = 'HostInstallFault';
}

/** Where to log in. `resolved` is what was judged and what is dialled; `address` is how people call it. */
export interface HostPlace {
  readonly address: string;
  readonly resolved: string;
  readonly port: number;
}

export interface HostKeySeen {
  readonly keyType: string;
  /** SHA256:… */
  readonly fingerprint: string;
}

/** What lets somebody in. It is in memory only, for as long as the installation goes on. */
export interface HostLogin {
  readonly user: string;
  readonly credential: HostCredential;
  readonly sudoPassword: string | undefined;
}

export interface HostCommand {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** As root: through sudo where the user is another one. */
  readonly asRoot?: boolean;
  /** For its standard input, which ends after it. */
  readonly input?: string;
  /** Each line of both outputs as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface HostAnswer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface HostUpload {
  /** Here, and there. */
  readonly source: string;
  readonly target: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly mode: number;
  readonly signal: AbortSignal;
  /** Bytes of it that are there. */
  readonly onProgress: (bytes: number) => void;
}

/** A host that somebody has logged in to. */
export interface HostConnection {
  readonly key: HostKeySeen;
  /** Proves that commands as root can be run. Throws HostInstallFault with the way out. */
  proveRoot(signal: AbortSignal): Promise<void>;
  /** Runs it to its end, whatever its exit code. Throws HostInstallFault when there is no answer in time, or the connection ends. */
  run(command: readonly string[], options: HostCommand): Promise<HostAnswer>;
  /** Sends a file, going on where an earlier try ended. False: it was there, whole. */
  upload(file: HostUpload): Promise<boolean>;
  close(): void;
}

export interface HostDialler {
  /** The key by which the host shows itself; nobody logs in. Throws HostInstallFault. */
  readKey(place: HostPlace, signal: AbortSignal): Promise<HostKeySeen>;
  /** Keys are agreed on, and its key is the confirmed one; nobody has logged in. Throws HostInstallFault. */
  connect(place: HostPlace, confirmedKey: string, signal: AbortSignal): Promise<void>;
  /** Logs in, at that same key. Throws HostInstallFault. */
  login(place: HostPlace, confirmedKey: string, login: HostLogin, signal: AbortSignal): Promise<HostConnection>;
}
