import type { ServerChannel, Session } from 'ssh2';

export interface Greeting {
  readonly userName: string;
  /** How the gateway is reached. */
  readonly host: string;
  readonly port: number;
  readonly guestUser: string;
  readonly machines: readonly string[];
  readonly ports: readonly number[];
}

/** What somebody reads who logs in at the gateway itself, line by line. */
export function greetingLines({ userName, host, port, guestUser, machines, ports }: Greeting): readonly string[] {
  const [first] = machines;
  const jump = `ssh -J ${userName}@${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (first === undefined) {
    return [`Hello ${userName}. This gateway leads to your running machines; none of yours runs now.`, 'Launch or resume one in the portal, then:', '', `  ${jump} ${guestUser}@NAME-OF-THE-MACHINE`];
  }
  return [
    `Hello ${userName}. This gateway leads to your running machines and has no shell of its own.`,
    '',
    ...machines.map((name) => `  ${jump} ${guestUser}@${name}`),
    '',
    `It leads to ports ${ports.join(', ')} of each: ssh -N -p ${port} -L 8000:${first}:80 ${userName}@${host}`,
  ];
}

/**
 * Answers whoever asks for a shell or a command with some lines, and ends: nothing is run here. Everything else of a session (sftp,
 * agent and X11 forwarding, variables) is refused, as nobody listens for it.
 */
export function greet(session: Session, lines: () => Promise<readonly string[]>): void {
  const say = async (accepted: ServerChannel | undefined, exitStatus: number): Promise<void> => {
    // ssh2 accepts once: there is no second shell or command beside the first.
    if (accepted === undefined) return;
    const channel = accepted.on('error', () => undefined);
    // What is typed is nobody's.
    channel.resume();
    for (const line of await lines()) channel.write(`${line}\r\n`);
    channel.exit(exitStatus);
    channel.end();
  };
  session.on('pty', (accept) => accept?.());
  session.once('shell', (accept) => void say(accept(), 0));
  session.once('exec', (accept) => void say(accept(), 1));
}
