/** What a client may make the gateway hold, and for how long. */
export interface SshSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Connections at a time, those included that have not logged in. */
  readonly maxConnections: number;
  /** Connections of one person at a time. */
  readonly maxPerUser: number;
}

/** What the gateway calls itself (RFC 4253 4.2). */
export const sshIdent = 'ParaVCL';

export const sshLimits = {
  /** Until a client has said what it is, which a client does at once. */
  identifiedWithinMs: 10_000,
  /** From the first byte to a login, typing a password included. */
  loginWithinMs: 60_000,
  /** Of keys and passwords, on one connection: an agent may hold a few keys. */
  mostTries: 10,
  mostPasswords: 3,
  /** Connections that have not logged in. Beyond them one gives way to each that comes (`giving-way`). */
  mostUnproven: 200,
  /** Connections that are being told why they may not stay. */
  mostLeaving: 64,
  /** Forwarded connections of one SSH connection: those that are open or being opened, and those that were refused in all. */
  mostForwards: 32,
  mostRefusedForwards: 200,
  /** Channels that asked for a shell, in all. */
  mostSessions: 10,
  /** What waits unread in a channel: ssh2 gives a client a window of 2 MiB, and does not hold it to that. */
  mostUnreadBytes: 4 * 1024 * 1024,
  /** After a disconnect the client has this long to hang up. */
  hangUpWithinMs: 2_000,
  /** Who has too many connections already may read why for so long. */
  hangUpOnBarredMs: 10_000,
  /** How often it is looked whether who is connected still may be. */
  lapseEveryMs: 2_000,
} as const;

/** Nothing with SHA-1, nothing that is compressed before a login, and no prime-field Diffie-Hellman: it costs the event loop milliseconds. */
export const sshAlgorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const;
