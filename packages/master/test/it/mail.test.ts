import { newId } from '@paravcl/shared/ids';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { MailJob } from '../../src/jobs/mail-job';
import { smtpMailer } from '../../src/mail/smtp-mailer';
import type { MailSettings } from '../../src/services/instance-settings';
import { tell } from '../../src/services/notice-service';
import { serverIdentity, type ServerIdentity } from '../../src/tls/server-identity';
import { HandClock } from './hand-clock';
import { openTestDatabase, type TestDatabase } from './test-database';

interface Taken {
  readonly to: readonly string[];
  readonly text: string;
  readonly encrypted: boolean;
  readonly user: unknown;
}

/** A real SMTP server that keeps what it takes, and refuses whom a test names. */
class MailServer {
  readonly taken: Taken[] = [];
  readonly refused = new Map<string, number>();
  private server: SMTPServer | null = null;
  port = 0;

  constructor(private readonly identity: ServerIdentity) {}

  async open(): Promise<void> {
    const server = new SMTPServer({
      key: this.identity.key,
      cert: this.identity.cert,
      authOptional: true,
      onAuth: ({ username, password }, _session, done) => (password === 'the pass phrase' ? done(null, { user: username }) : done(new Error('wrong'))),
      onRcptTo: ({ address }, _session, done) => {
        const code = this.refused.get(address);
        if (code === undefined) done();
        else done(Object.assign(new Error('not here'), { responseCode: code }));
      },
      onData: (stream, session, done) => {
        const parts: Buffer[] = [];
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', () => {
          // Quoted-printable breaks lines anywhere; a reader joins them again.
          const text = Buffer.concat(parts).toString('utf8').replace(/=\r\n/g, '');
          this.taken.push({ to: session.envelope.rcptTo.map(({ address }) => address), text, encrypted: session.secure, user: session.user });
          done();
        });
      },
    });
    // A client that gives a connection up is no fault of the server.
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => void server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.server.address() as AddressInfo).port;
    this.server = server;
  }

  async shut(): Promise<void> {
    const server = this.server;
    this.server = null;
    if (server !== null) await new Promise<void>((resolve) => server.close(resolve));
  }
}

describe('notices by mail', () => {
  const clock = new HandClock();
  const style = { siteName: 'CS lab', baseUrl: 'https://lab.example:8443', timeZone: 'UTC' };
  let database: TestDatabase;
  let directory: string;
  let identity: ServerIdentity;
  let server: MailServer;
  let job: MailJob;
  let faults: unknown[];

  beforeAll(async () => {
    database = await openTestDatabase();
    directory = mkdtempSync(join(tmpdir(), 'paravcl-mail-'));
    identity = await serverIdentity({ names: [] }, style.baseUrl, join(directory, 'tls'), new Date());
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await database.close();
  });
  beforeEach(async () => {
    await database.db('notices').delete();
    await database.db('users').delete();
    faults = [];
    server = new MailServer(identity);
    await server.open();
    job = jobOver(settings());
  });
  afterEach(() => server.shut());

  const settings = (): NonNullable<MailSettings> => ({ host: '127.0.0.1', port: server.port, secure: false, from: 'ParaVCL <paravcl@lab.example>', baseUrl: style.baseUrl });
  const jobOver = (mailSettings: NonNullable<MailSettings>, batch?: number): MailJob => new MailJob(database.unit, clock, smtpMailer(mailSettings), style, batch);
  const round = (): Promise<void> => job.run((error) => faults.push(error));
  const person = async (name: string, mail: string | null): Promise<string> => {
    const id = newId(clock.now());
    await database.unit.read.users.insert({ id, name, displayName: name, role: 'student', passwordHash: null, primaryGroupId: null, sshPublicKeys: [], mail }, clock.now());
    return id;
  };
  const told = (userId: string, sentence: string): Promise<void> =>
    tell(database.unit.read, { userId, kind: 'instance.preempted', subjectType: 'instance', subjectId: newId(clock.now()), sentence, decisionId: null }, clock.now());

  it('are sent once, several of one person in one mail, and nothing to those without an address', async () => {
    const alice = await person('alice', 'alice@example.edu');
    await told(alice, 'The first was saved.');
    await told(await person('bob', 'bob@example.edu'), 'Bob’s was saved.');
    await told(await person('carol', null), 'Nobody is to read this.');
    await told(alice, 'The second was saved.');
    await round();
    await round();
    expect(server.taken.map(({ to }) => to)).toEqual([['alice@example.edu'], ['bob@example.edu']]);
    const text = server.taken[0]?.text ?? '';
    expect(text).toMatch(/^From: ParaVCL <paravcl@lab\.example>/m);
    expect(text).toMatch(/^Subject: CS lab: 2 notices about what is yours/m);
    expect(text).toMatch(/^Auto-Submitted: auto-generated/m);
    expect(text.indexOf('The first was saved.')).toBeGreaterThan(0);
    expect(text.indexOf('The second was saved.')).toBeGreaterThan(text.indexOf('The first was saved.'));
    expect(server.taken.some(({ text: each }) => each.includes('Nobody is to read this'))).toBe(false);
    expect(server.taken[0]?.encrypted).toBe(true);
    expect(faults).toEqual([]);
  });

  it('wait while the server is away, are sent when it is back, and what was taken before is not sent again', async () => {
    const alice = await person('alice', 'alice@example.edu');
    await told(alice, 'Before the outage.');
    await round();
    await server.shut();
    await told(alice, 'During the outage.');
    await round();
    expect(faults).toHaveLength(1);
    await server.open();
    // It is left alone for as long as it says.
    await round();
    expect(server.taken).toHaveLength(1);
    clock.advance(30_000);
    await round();
    await round();
    expect(server.taken).toHaveLength(2);
    expect(server.taken[1]?.text).toContain('During the outage.');
    expect(server.taken[1]?.text).not.toContain('Before the outage.');
    expect(faults).toHaveLength(1);
  });

  it('are not sent twice when the database was away as they were to be marked', async () => {
    await told(await person('alice', 'alice@example.edu'), 'Once and no more.');
    const { notices } = database.unit.read;
    const marking = jest.spyOn(notices, 'markMailed').mockRejectedValueOnce(new Error('the database is away'));
    await round();
    expect(faults).toHaveLength(1);
    clock.advance(30_000);
    await round();
    await round();
    marking.mockRestore();
    expect(server.taken).toHaveLength(1);
    expect(await notices.unmailed(0, 10)).toEqual([]);
  });

  it('of an address that is refused keep nobody else waiting: given up for good, or tried again later', async () => {
    server.refused.set('gone@example.edu', 550).set('busy@example.edu', 451);
    await told(await person('gone', 'gone@example.edu'), 'To nobody.');
    await told(await person('busy', 'busy@example.edu'), 'To somebody busy.');
    await told(await person('alice', 'alice@example.edu'), 'To Alice.');
    await round();
    expect(server.taken.map(({ to }) => to)).toEqual([['alice@example.edu']]);
    expect(faults.map(String)).toEqual([expect.stringContaining('for gone at all'), expect.stringContaining('for busy for now')]);
    server.refused.clear();
    clock.advance(30_000);
    await round();
    expect(server.taken.map(({ to }) => to)).toEqual([['alice@example.edu'], ['busy@example.edu']]);
  });

  it('of a busy address keep nobody else’s back, however many they are', async () => {
    server.refused.set('busy@example.edu', 451);
    const busy = await person('busy', 'busy@example.edu');
    for (const sentence of ['The first.', 'The second.', 'The third.']) await told(busy, sentence);
    await told(await person('alice', 'alice@example.edu'), 'To Alice.');
    job = jobOver(settings(), 2);
    await round();
    expect(server.taken.map(({ to }) => to)).toEqual([['alice@example.edu']]);
    expect(faults).toHaveLength(1);
    server.refused.clear();
    clock.advance(30_000);
    await round();
    expect(server.taken.slice(1).map(({ to, text }) => [to, /The third\./.test(text)])).toEqual([[['busy@example.edu'], false], [['busy@example.edu'], true]]);
  });

  it('of two people with one address are each in a mail of their own', async () => {
    for (const name of ['anna', 'berta']) await told(await person(name, 'family@example.edu'), `This is ${name}’s.`);
    await round();
    expect(server.taken.map(({ to }) => to)).toEqual([['family@example.edu'], ['family@example.edu']]);
    expect(server.taken.map(({ text }) => ['anna', 'berta'].filter((name) => text.includes(name)))).toEqual([['anna'], ['berta']]);
  });

  it('older than a day are not sent', async () => {
    await told(await person('alice', 'alice@example.edu'), 'Yesterday’s news.');
    clock.advance(24 * 3_600_000 + 1);
    await round();
    expect(server.taken).toEqual([]);
  });

  it('are sent with the password of the file, which no error tells', async () => {
    const passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, 'the pass phrase\n', { mode: 0o600 });
    job = jobOver({ ...settings(), user: 'paravcl', passwordFile });
    await told(await person('alice', 'alice@example.edu'), 'With a password.');
    await round();
    expect(server.taken.map(({ user }) => user)).toEqual(['paravcl']);

    writeFileSync(passwordFile, 'not the secret one');
    job = jobOver({ ...settings(), user: 'paravcl', passwordFile });
    await told(await person('bob', 'bob@example.edu'), 'With a wrong one.');
    await round();
    expect(server.taken).toHaveLength(1);
    expect(faults).toHaveLength(1);
    expect(JSON.stringify(faults[0], Object.getOwnPropertyNames(faults[0]))).not.toContain('not the secret one');
  });
});
