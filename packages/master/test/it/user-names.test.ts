import { systemClock } from '@paravcl/shared/clock';
import { PasswordService } from '../../src/services/password-service';
import { RegistrationService } from '../../src/services/registration-service';
import { SessionService } from '../../src/services/session-service';
import { UserService } from '../../src/services/user-service';
import { openTestDatabase, type TestDatabase } from './test-database';
import { goodPassword } from './test-site';

const clock = systemClock;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
}, 60_000);
afterAll(() => database.close());

const refused = { code: 'invalid-input', message: expect.stringContaining('letters a to z only'), detail: { field: 'name' } };

describe('at a site of alphabetic user names', () => {
  test('a setup token is not used up by a name the site does not give', async () => {
    const { unit } = database;
    const passwords = new PasswordService({ cost: { ln: 4, r: 8, p: 1 } });
    const registrations = new RegistrationService({ unit, clock, passwords, sessions: new SessionService({ unit, clock, passwords }), userNames: 'alphabetic' });
    const token = (await registrations.issueSetupToken())?.token ?? '';
    const admin = (name: string) => registrations.createFirstAdmin(token, { name, displayName: 'Admin', password: goodPassword }, '127.0.0.1');
    await expect(admin('admin1')).rejects.toMatchObject(refused);
    expect(await admin('admin')).toMatchObject({ name: 'admin', role: 'admin' });
  });

  test('an administrator makes no others either', async () => {
    const admin = await database.unit.read.users.findByName('admin');
    const userId = admin?.id ?? '';
    const acting = { principal: { userId, userName: 'admin', role: 'admin', groupIds: [], ownedGroupIds: [], sessionId: 's' }, clientAddress: '127.0.0.1' } as const;
    const users = new UserService({ unit: database.unit, clock, userNames: 'alphabetic' });
    const make = (name: string) => users.create(acting, { name, displayName: 'Somebody', role: 'student', primaryGroupId: null, sshPublicKeys: [] });
    await expect(make('anna.b')).rejects.toMatchObject(refused);
    expect(await database.unit.read.users.findByName('anna.b')).toBeNull();
    expect((await make('anna')).user.name).toBe('anna');
  });
});
