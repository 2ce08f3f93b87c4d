/** The gateway as people meet it: this machine's OpenSSH client, real users and machines, and a TCP server where the guest would be. */
import { randomBytes } from 'node:crypto';
import { eventually } from './eventually';
import { FarEnd, openSshRig, sha256, type SshRig } from './ssh-rig';
import { goodPassword } from './test-site';

jest.setTimeout(60_000);

let rig: SshRig;
let echo: FarEnd;
let port: number;
let endLapsed: () => Promise<void>;
const at = (user: string): readonly string[] => ['-p', String(port), `${user}@127.0.0.1`];

beforeAll(async () => {
  rig = await openSshRig();
  echo = new FarEnd((socket) => socket.pipe(socket));
  rig.farEnds.set(22, await echo.listen());
  const made = await rig.gateway();
  ({ port } = made);
  endLapsed = () => made.gateway.endLapsed();
  const { student, teacher } = rig.site.people;
  await rig.unit.read.users.update(student.id, { sshPublicKeys: [await rig.ssh.makeKey('student'), await rig.ssh.makeKey('student-rsa', 'rsa'), await rig.ssh.makeKey('student-ecdsa', 'ecdsa')] });
  await rig.unit.read.users.update(teacher.id, { sshPublicKeys: [await rig.ssh.makeKey('teacher')] });
  await rig.ssh.makeKey('stranger');
  await rig.machine(student, 'i-ubuntu-9af');
  await rig.machine(student, 'i-asleep', { observed: 'suspended', desired: 'suspended' });
  await rig.machine(teacher, 'i-teacher');
});
afterAll(async () => {
  echo.close();
  await rig.close();
});

const key = (name: string) => rig.ssh.options({ key: name });

describe('who has a key', () => {
  test.each(['student', 'student-rsa', 'student-ecdsa'])('reaches port 22 of a machine of theirs with %s, and every byte comes through', async (name) => {
    const sent = randomBytes(5_000_000);
    const { code, out, err } = await rig.ssh.run([...(await key(name)), '-W', 'i-ubuntu-9af:22', ...at('student1')], sent);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(sha256(Buffer.from(out, 'latin1'))).toBe(sha256(sent));
    expect(rig.joins.at(-1)).toMatchObject({ end: { kind: 'port', port: 22 } });
  });
});
