import { consoleCloseCodes, consolePath } from '@paravcl/shared/api/sockets';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { newStreamTicket } from '../../src/services/stream-ticket';
import { ConsoleRig, type ConsoleClient, type LoggedIn } from './console-rig';
import { eventually } from './eventually';
import type { InstanceRecord } from '../../src/core/instance-record';

const MiB = 1024 * 1024;
const opensNothing = { code: consoleCloseCodes.unknownTicket, reason: 'This ticket opens nothing: it is used, over, or of another session. Ask for a new one.' };
let rig: ConsoleRig;
let alice: LoggedIn;
let bob: LoggedIn;
let operator: LoggedIn;
let machine: InstanceRecord;
beforeAll(async () => {
  rig = await ConsoleRig.start({ perUser: 2, perSlave: 3 });
  alice = await rig.person('alice', 'student');
  bob = await rig.person('bob', 'student');
  operator = await rig.person('olga', 'operator', 'Olga Operator');
  machine = await rig.instance(alice, { name: 'i-ubuntu-9af' });
});
afterAll(() => rig.close());
// A connection is over once both of its ends are.
afterEach(() => eventually('nothing is open', () => rig.parts.connections.size === 0 && rig.parts.door.size === 0));

test('a browser sees the screen and types into it', async () => {
  const ticket = await rig.ticket(alice, machine);
  const client = await rig.dialAsBrowser(alice);
  client.socket.send(JSON.stringify({ ticket }));
  const { end, guest } = await rig.join();
  expect(end).toEqual({ kind: 'screen', instanceId: machine.id });
  await client.isOpen();
  guest.write('RFB 003.008\n');
  await eventually('the guest’s first bytes', () => client.text() === 'RFB 003.008\n');
  client.socket.send(Buffer.from('a key'));
  expect(String(await eventually('the key', () => guest.read() as Buffer | null))).toBe('a key');
  client.socket.close();
  guest.resume();
});

describe('who is let in', () => {
  const asBrowser = (as: LoggedIn, origin?: string): Record<string, string> => ({ cookie: `__Host-paravcl=${as.token}`, ...(origin === undefined ? {} : { origin }) });

  it.each([
    ['an evil Origin', () => asBrowser(alice, 'https://evil.example'), /^403: This connection came from another page \(https:\/\/evil\.example\)/],
    ['another port of this host', () => asBrowser(alice, 'https://127.0.0.1:1'), /^403/],
    ['Origin null, of a sandboxed page', () => asBrowser(alice, 'null'), /^403/],
    ['a cookie without Origin', () => asBrowser(alice), /^403: This connection came without Origin/],
    ['an evil Origin with a bearer token', () => ({ authorization: `Bearer ${alice.token}`, origin: 'https://evil.example' }), /^403/],
    ['nobody', () => ({}), /^401: You are not logged in/],
    ['a session that never was', () => ({ authorization: 'Bearer pvs_nobody' }), /^401/],
  ])('not %s', async (_who, headers, refusal) => {
    await expect(rig.dial(headers())).rejects.toThrow(refusal);
  });

  it('not one who brings a ticket in the address', async () => {
    const ticket = await rig.ticket(alice, machine);
    await expect(rig.dial({}, `/api/v1/console?ticket=${ticket}`)).rejects.toThrow(/^401/);
  });
});

describe('who takes places at the door', () => {
  it('without a ticket has 8 of them, and takes nobody else’s at the same address', async () => {
    const dialled: ConsoleClient[] = [];
    const refused: string[] = [];
    for (let n = 0; n < 80; n += 1) await rig.dialAs(bob).then((client) => dialled.push(client), (error: Error) => refused.push(error.message));
    expect(dialled).toHaveLength(8);
    expect([...new Set(refused)]).toEqual(['429: You have 8 consoles at the door that have shown no ticket, the most of one person. Try again in a few seconds.']);
    const { client, guest } = await rig.open(alice, machine);
    guest.resume();
    for (const one of [client, ...dialled]) one.socket.close();
    await eventually('all to be gone', () => rig.parts.door.size === 0);
    (await rig.dialAs(bob)).socket.close();
  });

  it('with a good ticket has given the place free for the next', async () => {
    const open = [await rig.open(alice, machine), await rig.open(alice, machine, 'serial')];
    const dialled = await Promise.all(Array.from({ length: 8 }, () => rig.dialAs(alice)));
    for (const { client, guest } of open) {
      guest.resume();
      client.socket.close();
    }
    for (const { socket } of dialled) socket.close();
  });

  it('is refused as nobody and does not hang up: takes none, and is hung up on', async () => {
    const { host, hostname, port } = new URL(rig.server.url);
    const strangers = await Promise.all(Array.from({ length: 61 }, async () => {
      // tls.connect has allowHalfOpen; its types have not.
      const options = { host: hostname, port: Number(port), ca: rig.server.ca, allowHalfOpen: true };
      const socket = connect(options);
      socket.on('error', () => undefined);
      socket.write(`GET ${consolePath} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return { socket, answer: answer.toString() };
    }));
    const statuses = strangers.map(({ answer }) => answer.slice(9, 12));
    expect(statuses.filter((status) => status === '401').length).toBeGreaterThanOrEqual(60);
    const { client, guest } = await rig.open(alice, machine);
    guest.resume();
    client.socket.close();
    // A side that keeps itself open sees that the other is gone by what it sends.
    await eventually('all of them to be cut', () => strangers.filter(({ socket }) => !socket.destroyed && socket.write('still here')).length === 0);
  });
});

describe('a ticket', () => {
  const shown = async (as: LoggedIn, ticket: string): Promise<{ readonly code: number; readonly reason: string }> => {
    const client = await rig.dialAs(as);
    client.socket.send(JSON.stringify({ ticket }));
    return client.isClosed();
  };

  it('opens once', async () => {
    const ticket = await rig.ticket(alice, machine);
    const client = await rig.dialAs(alice);
    client.socket.send(JSON.stringify({ ticket }));
    const { guest } = await rig.join();
    await client.isOpen();
    expect(await shown(alice, ticket)).toEqual(opensNothing);
    client.socket.close();
    guest.resume();
  });

  it('opens nothing after 30 s', async () => {
    const ticket = await rig.ticket(alice, machine);
    rig.clock.pass(30_000);
    expect(await shown(alice, ticket)).toEqual(opensNothing);
  });

  it('opens nothing for another session, of another person or the same, and is used up by that', async () => {
    const another = await rig.login(alice);
    for (const thief of [bob, another, operator]) {
      const ticket = await rig.ticket(alice, machine);
      expect(await shown(thief, ticket)).toEqual(opensNothing);
      expect(await shown(alice, ticket)).toEqual(opensNothing);
    }
  });

  it('is not given for another’s machine, nor for one that does not run', async () => {
    expect(await rig.ask('POST', `/instances/${machine.id}/console-tickets`, bob)).toMatchObject({ status: 404 });
    const saved = await rig.instance(alice, { observed: 'suspended', desired: 'suspended', name: 'i-saved' });
    expect(await rig.ask('POST', `/instances/${saved.id}/console-tickets`, alice)).toMatchObject({ status: 409, body: { detail: 'i-saved is suspended: its console can be opened while it runs.' } });
  });

  it('is asked for within 5 s, and is the first message', async () => {
    const silent = await rig.dialAs(alice);
    await eventually('it to be let in', () => rig.parts.door.size === 1);
    rig.clock.advance(5_000);
    expect(await silent.isClosed()).toEqual({ code: 1008, reason: 'No ticket was shown within 5 s.' });
    for (const message of ['not JSON', '{"ticket":"short"}', Buffer.from(JSON.stringify({ ticket: newStreamTicket() }))]) {
      const client = await rig.dialAs(alice);
      client.socket.send(message);
      expect(await client.isClosed()).toEqual({ code: 1008, reason: 'The first message is a ticket, as JSON.' });
    }
  });
});

describe('what goes over it', () => {
  it('a frame above 1 MiB ends it', async () => {
    const { client, guest } = await rig.open(alice, machine);
    guest.resume();
    client.socket.send(Buffer.alloc(MiB + 1));
    expect(await client.isClosed()).toMatchObject({ code: 1009 });
  });

  it('who does not read keeps the guest from being read, and little waits in between', async () => {
    const { client, guest } = await rig.open(alice, machine);
    client.socket.pause();
    const block = Buffer.alloc(256 * 1024);
    let written = 0;
    let isTaken = true;
    let stuckFor = 0;
    // Until what was written is not taken for a while: the way to the client is full.
    while (stuckFor < 20) {
      if (isTaken) {
        isTaken = false;
        written += block.length;
        stuckFor = 0;
        guest.write(block, () => (isTaken = true));
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
      stuckFor += 1;
      if (written > 64 * MiB) throw new Error('64 MiB were taken of a client that reads nothing.');
    }
    expect(written).toBeLessThan(32 * MiB);
    client.socket.resume();
    await eventually('all of it to arrive', () => client.received.reduce((sum, part) => sum + part.length, 0) === written);
    client.socket.close();
    guest.resume();
  });

  it('the end of the guest’s side ends it, after what it said, with a sentence', async () => {
    const { client, guest } = await rig.open(alice, machine, 'serial');
    guest.end('goodbye');
    expect(await client.isClosed()).toEqual({ code: consoleCloseCodes.ended, reason: 'The console of i-ubuntu-9af ended where the machine is: it went off, was saved, or its host lost the connection.' });
    expect(client.text()).toBe('goodbye');
  });

  it('what the slave says against it is told', async () => {
    const ticket = await rig.ticket(alice, machine, 'serial');
    const client = await rig.dialAs(alice);
    client.socket.send(JSON.stringify({ ticket }));
    await rig.join(() => Promise.reject(new Error("This machine's serial console can be opened after its next start.")));
    expect(await client.isClosed()).toEqual({ code: consoleCloseCodes.ended, reason: "This machine's serial console can be opened after its next start." });
  });
});

describe('it ends', () => {
  it('with the session', async () => {
    const once = await rig.login(alice);
    const { client, guest } = await rig.open(once, machine);
    guest.resume();
    await rig.server.unit.transaction((write) => write.sessions.delete(once.sessionId));
    await rig.parts.watch.run();
    expect(await client.isClosed()).toEqual({ code: consoleCloseCodes.loggedOut, reason: 'Your session has ended. Log in and open it again.' });
  });

  it('when the machine stops, moves or is gone', async () => {
    for (const [change, reason] of [
      [{ observed: 'stopped' }, 'i-other is stopped. Open it again when it runs.'],
      [{ observed: 'suspended' }, 'i-other is suspended. Open it again when it runs.'],
      [{ slave_id: null, observed: 'relocating' }, 'i-other is relocating. Open it again when it runs.'],
    ] as const) {
      const other = await rig.instance(alice, { name: 'i-other' });
      const { client, guest } = await rig.open(alice, other);
      guest.resume();
      await rig.parts.connections.run();
      expect(client.closed).toBeNull();
      await rig.server.db('instances').where({ id: other.id }).update(change);
      await rig.parts.connections.run();
      expect(await client.isClosed()).toEqual({ code: consoleCloseCodes.ended, reason });
      await rig.server.db('instances').where({ id: other.id }).delete();
    }
  });

  it('when the person may not any more', async () => {
    const demoted = await rig.person('dora', 'operator');
    const { client, guest } = await rig.open(demoted, machine);
    guest.resume();
    await rig.server.db('users').where({ id: demoted.id }).update({ role: 'student' });
    await rig.parts.connections.run();
    expect(await client.isClosed()).toMatchObject({ code: consoleCloseCodes.revoked, reason: expect.stringContaining('You may not connect to i-ubuntu-9af any more.') as string });
  });

  it('when an operator ends it, who is named', async () => {
    const { client, guest, connectionId } = await rig.open(alice, machine);
    guest.resume();
    expect((await rig.ask('DELETE', `/connections/${connectionId}`, bob)).status).toBe(404);
    expect((await rig.ask('DELETE', `/connections/${connectionId}`, operator)).status).toBe(204);
    expect(await client.isClosed()).toEqual({ code: consoleCloseCodes.revoked, reason: 'olga ended this connection.' });
  });
});

test('it is refused above the limits, which the sentence names, and let in again below them', async () => {
  const [one, two] = [await rig.open(alice, machine), await rig.open(alice, machine, 'serial')];
  const refused = async (as: LoggedIn, of: InstanceRecord): Promise<unknown> => {
    const ticket = await rig.ticket(as, of);
    const client = await rig.dialAs(as);
    client.socket.send(JSON.stringify({ ticket }));
    return client.isClosed();
  };
  expect(await refused(alice, machine)).toEqual({ code: consoleCloseCodes.limit, reason: 'You have 2 connections open, the most one person may have. Close one.' });
  const bobs = await rig.instance(bob);
  const three = await rig.open(bob, bobs);
  expect(await refused(bob, bobs)).toEqual({ code: consoleCloseCodes.limit, reason: '3 connections to lab-pc-07 are open, and it takes 3. Try again later.' });
  one.guest.end();
  await eventually('one to be over', () => rig.parts.connections.size === 2);
  const again = await rig.open(bob, bobs);
  for (const { client, guest } of [two, three, again]) {
    guest.resume();
    client.socket.close();
  }
});

test('a limit of its own counts for a slave from the next connection on: a lower one ends nobody, 0 lets nobody in', async () => {
  const limit = (most: number | null): Promise<number> => rig.server.db('slaves').where({ id: rig.agent.slaveId }).update({ max_connections: most });
  const bobs = await rig.instance(bob);
  const refused = async (): Promise<unknown> => {
    const client = await rig.dialAs(bob);
    client.socket.send(JSON.stringify({ ticket: await rig.ticket(bob, bobs) }));
    return client.isClosed();
  };
  const one = await rig.open(alice, machine);
  const two = await rig.open(alice, machine, 'serial');
  await limit(1);
  await rig.parts.connections.run();
  expect(await refused()).toEqual({ code: consoleCloseCodes.limit, reason: '2 connections to lab-pc-07 are open, and it takes 1. Try again later.' });
  await limit(0);
  await rig.parts.connections.run();
  expect(await refused()).toEqual({ code: consoleCloseCodes.limit, reason: 'lab-pc-07 takes no connections: its limit is 0. Ask whoever runs the lab.' });
  expect([one.client.closed, two.client.closed, rig.parts.connections.size]).toEqual([null, null, 2]);
  // Above the configuration's 3.
  await limit(4);
  const others = [await rig.open(bob, bobs), await rig.open(bob, bobs, 'serial')];
  await limit(null);
  for (const { client, guest } of [one, two, ...others]) {
    guest.resume();
    client.socket.close();
  }
});

test('people see their own connections and those to their own machines, and never each other’s; operators see all', async () => {
  const bobs = await rig.instance(bob);
  const [own, others, looking] = [await rig.open(alice, machine, 'serial'), await rig.open(bob, bobs), await rig.open(operator, bobs)];
  const seen = async (as: LoggedIn): Promise<readonly string[]> => ((await rig.ask('GET', '/connections', as)).body as { items: { id: string }[] }).items.map(({ id }) => id).sort();
  expect(await seen(alice)).toEqual([own.connectionId]);
  expect(await seen(bob)).toEqual([others.connectionId, looking.connectionId].sort());
  expect(await seen(operator)).toEqual([own.connectionId, others.connectionId, looking.connectionId].sort());
  expect((await rig.ask('GET', `/connections?instanceId=${machine.id}`, operator)).body).toMatchObject({
    items: [{ id: own.connectionId, kind: 'serial', port: null, userName: 'alice', instanceName: 'i-ubuntu-9af', ownerUserId: alice.id, slaveName: 'lab-pc-07', fromAddress: '127.0.0.1' }],
  });
  for (const { client, guest } of [own, others, looking]) {
    guest.resume();
    client.socket.close();
  }
});

test('opening and closing are in the events, and the owner is told of others once in ten minutes', async () => {
  const watched = await rig.instance(alice, { name: 'i-exam-1' });
  for (let time = 0; time < 2; time += 1) {
    const { client, guest } = await rig.open(operator, watched);
    client.socket.send(Buffer.alloc(MiB));
    await eventually('it to arrive', () => (guest.read() as Buffer | null) !== null);
    guest.resume();
    client.socket.close();
    await eventually('it to be over', async () => (await rig.events(watched)).filter(({ kind }) => kind === 'console.closed').length === time + 1);
  }
  // All of one moment: the clock stands still.
  expect((await rig.events(watched)).map(({ sentence }) => sentence).sort()).toEqual([
    'The screen of i-exam-1 that olga had open from 127.0.0.1 was closed after 0 s and 1 MiB.',
    'The screen of i-exam-1 that olga had open from 127.0.0.1 was closed after 0 s and 1 MiB.',
    'olga opened the screen of i-exam-1 from 127.0.0.1. Its owner was told less than ten minutes before.',
    'olga opened the screen of i-exam-1 from 127.0.0.1. Its owner was told.',
  ]);
  const { items } = await rig.server.unit.read.notices.page({ userId: alice.id, unread: false, limit: 10 });
  const told = items.filter(({ subject }) => subject.id === watched.id);
  expect(told.map(({ kind }) => kind)).toEqual(['console.opened']);
  expect(told[0]?.sentence).toMatch(/^Operator Olga Operator opened the screen of i-exam-1 at 08:\d\d from 127\.0\.0\.1\.$/);
});

test('an agent that joins no consoles is named, with what it lacks', async () => {
  const old = await rig.server.enrolled('approved', 'lab-pc-08');
  await old.connect({ protocol: 6 });
  const there = await rig.instance(alice, { slaveId: old.slaveId });
  expect(await rig.ask('POST', `/instances/${there.id}/console-tickets`, alice)).toMatchObject({ body: { detail: 'The agent of lab-pc-08 speaks protocol 6; consoles came with 7. Upgrade it.' } });
  expect(rig.server.faults.splice(0)).toHaveLength(1);
  await expect(rig.server.streams.join(old.slaveId, { kind: 'serial', instanceId: there.id }, 'lab-pc-08')).rejects.toThrow('The agent of lab-pc-08 speaks protocol 6; consoles came with 7. Upgrade it.');
  await old.end();
});
