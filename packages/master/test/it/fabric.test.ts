import type { Fabric, FabricType } from '@paravcl/shared/api/fabric';
import type { Principal } from '@paravcl/shared/domain/people';
import { openFabricSite, type FabricAnswer, type FabricSite } from './fabric-rig';
import { defaultQuotas } from '../../src/services/instance-settings';

const small = { name: 'small', vcpus: 1, ramMiB: 512, diskMiB: 1024 };
const large = { name: 'large', vcpus: 4, ramMiB: 4096, diskMiB: 20_480 };

let site: FabricSite;
let admin: Principal;
let sue: Principal;
let full: string;
let imageId: string;

beforeEach(async () => {
  site = await openFabricSite({ user: 'ada' });
  admin = await site.person('admin', 'ada');
  sue = await site.person('student', 'sue');
  full = await site.token(admin);
  await site.rig.slave('pc-1', { cores: 4, ramTotalMiB: 2048, poolTotalMiB: 102_400 });
  imageId = await site.rig.image(64);
  expect((await define([small, large])).status).toBe(200);
});

afterEach(async () => {
  expect(site.rig.faults).toEqual([]);
  await site.close();
});

const define = (types: readonly object[], token = full): Promise<FabricAnswer> => site.rest('PUT', '/fabric/types', token, { types });
const offered = async (): Promise<readonly FabricType[]> => ((await site.rest('GET', '/fabric', full)).body as Fabric).types;
const ids = async (path: string, name: string): Promise<number[]> => ((await site.ask(path)).body as Record<string, number[]>)[name] ?? [];
const images = async (token?: string): Promise<{ id: number; name: string }[]> => ((await site.ask('/image/list', token === undefined ? {} : { token })).body as { images: { id: number; name: string }[] }).images;
const theImage = async (): Promise<number> => (await images())[0]?.id ?? 0;
const created = (answer: FabricAnswer): number => (answer.body as { vmid: number }).vmid;
const create = async (name: string, { tid = 1, token }: { readonly tid?: number; readonly token?: string } = {}): Promise<number> =>
  created(await site.ask(`/vm/create?name=${name}&instance_type=${tid}&image_id=${await theImage()}`, token === undefined ? {} : { token }));
const body = async (path: string, token?: string): Promise<unknown> => {
  const answer = await site.ask(path, token === undefined ? {} : { token });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.body;
};
const instanceOf = async (vmid: number): Promise<string> => (await site.rig.unit.read.fabric.find('vm', vmid))?.subjectId ?? '';

describe('the calls', () => {
  test('a VM is made, asked about, counted and destroyed, in the shapes of the original', async () => {
    expect(await body('/vm/types')).toEqual({ types: [{ tid: 1, cpu: 1, ram: 512, disk: 1 }, { tid: 2, cpu: 4, ram: 4096, disk: 20 }] });
    expect(await body('/pm/list')).toEqual({ pmids: [1] });
    expect(await body('/image/list')).toEqual({ images: [{ id: 100, name: expect.any(String) as string }] });
    expect(await body('/pm/query?pmid=1')).toEqual({ pmid: 1, capacity: { cpu: 4, ram: 2048, disk: 100 }, free: { cpu: 4, ram: 2048, disk: 100 }, vms: 0 });
    expect(await body('/pm/listvms?pmid=1')).toEqual({ vmids: [] });

    expect(await body('/vm/create?name=web&instance_type=1&image_id=100')).toEqual({ vmid: 1 });
    await site.rig.scheduler.idle();
    await site.rig.report(await instanceOf(1), 'running');
    expect(await body('/vm/query?vmid=1')).toEqual({ vmid: 1, name: 'web', instance_type: 1, pmid: 1 });
    expect(await body('/pm/listvms?pmid=1')).toEqual({ vmids: [1] });
    expect(await body('/pm/query?pmid=1')).toMatchObject({ free: { cpu: 3, ram: 1536 }, vms: 1 });
    const instance = await site.rig.unit.read.instances.find(await instanceOf(1));
    // As long as nobody destroys it, for the account of the site's configuration.
    expect(instance).toMatchObject({ imageId, vcpus: 1, ramMiB: 512, diskMiB: 1024, minutes: null, userId: admin.userId });

    expect(await body('/vm/destroy?vmid=1')).toEqual({ status: 1 });
    expect(await body('/vm/query?vmid=1')).toBe(0);
    expect(await body('/pm/listvms?pmid=1')).toEqual({ vmids: [] });
    expect(await body('/vm/destroy?vmid=1')).toEqual({ status: 0 });
    await site.rig.report(await instanceOf(1), 'deleted');
    expect(await body('/pm/query?pmid=1')).toMatchObject({ free: { cpu: 4, ram: 2048, disk: 100 }, vms: 0 });
    const { items } = await site.rig.unit.read.events.page({ limit: 50 });
    expect(items).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'instance.deleted', sentence: 'ada deleted web.', clientAddress: '127.0.0.1' })]));
  });

  test('one that finds no room is accepted and is on no host until there is some, and query says so', async () => {
    expect([await create('one', { tid: 1 }), await create('two'), await create('three'), await create('four')]).toEqual([1, 2, 3, 4]);
    expect(await create('five')).toBe(5);
    await site.rig.scheduler.idle();
    expect(await body('/vm/query?vmid=5')).toEqual({ vmid: 5, name: 'five', instance_type: 1, pmid: 0 });
    expect(await body('/pm/listvms?pmid=1')).toEqual({ vmids: [1, 2, 3, 4] });
    for (const vmid of [1, 2, 3, 4]) await site.rig.report(await instanceOf(vmid), 'running');
    expect(await body('/vm/destroy?vmid=2')).toEqual({ status: 1 });
    await site.rig.report(await instanceOf(2), 'deleted');
    expect(await body('/vm/query?vmid=5')).toMatchObject({ pmid: 1 });
  });

  test('one whose launch failed is nothing to query, and destroying it frees its name', async () => {
    const vmid = await create('web');
    await site.rig.scheduler.idle();
    await site.rig.report(await instanceOf(vmid), 'failed', { reason: { code: 'LaunchFailed', sentence: 'No.' } });
    expect(await body(`/vm/query?vmid=${vmid}`)).toBe(0);
    expect(await create('web')).toBe(0);
    expect(await body(`/vm/destroy?vmid=${vmid}`)).toEqual({ status: 1 });
  });

  test('a VM that was launched elsewhere is there as well, of the type of its size or of none', async () => {
    const like = await site.rig.instances.create(admin, { imageId, name: 'like-small', vcpus: 1, ramMiB: 512, diskMiB: 1024 });
    const unlike = await site.rig.instances.create(admin, { imageId, name: 'unlike', vcpus: 1, ramMiB: 256 });
    await site.rig.scheduler.idle();
    for (const { instance } of [like, unlike]) await site.rig.report(instance.id, 'running');
    const [first = 0, second = 0, ...others] = await ids('/pm/listvms?pmid=1', 'vmids');
    expect(others).toEqual([]);
    expect([await body(`/vm/query?vmid=${first}`), await body(`/vm/query?vmid=${second}`)]).toEqual([
      { vmid: first, name: 'like-small', instance_type: 1, pmid: 1 }, { vmid: second, name: 'unlike', instance_type: 0, pmid: 1 },
    ]);
  });

  test('a name that is no host name, or is taken, makes nothing: a program reads vmid 0, a person why', async () => {
    for (const [name, why] of [['Web%20Server', /^"Web Server" cannot be a host name: .* for example web-server\.$/], ['', /^name must be there, once\.$/], ['x'.repeat(64), /at most 63/], ['%C3%BC', /cannot be a host name/], ['web%0d%0aSet-Cookie:x', /cannot be a host name/]] as const) {
      const answer = await site.ask(`/vm/create?name=${name}&instance_type=1&image_id=${await theImage()}`);
      expect([answer.status, answer.body, answer.headers['set-cookie']]).toEqual([200, { vmid: 0 }, undefined]);
      expect(answer.reason).toMatch(why);
    }
    expect(await create('web')).toBeGreaterThan(0);
    const taken = await site.ask(`/vm/create?name=web&instance_type=1&image_id=${await theImage()}`);
    expect([taken.status, taken.body]).toEqual([200, { vmid: 0 }]);
    expect(taken.reason).toMatch(/web/);
    expect(site.logged).toEqual(expect.arrayContaining([expect.objectContaining({ path: '/vm/create', user: 'ada', code: 'already-exists' })]));
    expect(await site.rig.unit.read.instances.countOf(admin.userId)).toBe(1);
  });

  test('a type whose disk is smaller than the image, and one beyond the quota, make nothing', async () => {
    const big = await site.rig.image(4096);
    const number = ((await site.rest('GET', '/fabric', full)).body as Fabric).images.find((each) => each.imageId === big)?.number ?? 0;
    const answer = await site.ask(`/vm/create?name=web&instance_type=1&image_id=${number}`);
    expect([answer.body, answer.reason]).toEqual([{ vmid: 0 }, expect.stringMatching(/^diskMiB is 1024, but .* needs at least 4096 MiB\.$/)]);
  });

  test('nothing but a number the system gave is taken, and what is unknown is 0', async () => {
    await create('web');
    const nonsense = ['', '0', '-1', '1.0', '01', '+1', '1e0', ' 1', '1 ', 'abc', '2147483648', '99999999999999999999', '4', '%00', "1'%20OR%20'1'='1", '٣'].map(encodeURI);
    for (const value of nonsense) {
      expect(await body(`/vm/query?vmid=${value}`)).toBe(0);
      expect(await body(`/vm/destroy?vmid=${value}`)).toEqual({ status: 0 });
      if (value !== '1') expect(await body(`/pm/query?pmid=${value}`)).toBe(0);
      expect(await body(`/pm/listvms?pmid=${value}`)).toBe(0);
      expect(await body(`/vm/create?name=a&instance_type=${value}&image_id=100`)).toEqual({ vmid: 0 });
      expect(await body(`/vm/create?name=a&instance_type=1&image_id=${value}`)).toEqual({ vmid: 0 });
    }
    for (const path of ['/vm/query', '/vm/query?vmid=1&vmid=1', '/vm/query?vmid[]=1', '/vm/query?VMID=1', '/pm/query', '/pm/listvms']) expect([path, await body(path)]).toEqual([path, 0]);
    for (const path of ['/vm/create', '/vm/create?name=a', '/vm/create?name=a&name=b&instance_type=1&image_id=100', '/vm/create?name=a&instance_type=1']) expect([path, await body(path)]).toEqual([path, { vmid: 0 }]);
    expect(await body('/vm/destroy')).toEqual({ status: 0 });
    expect(await body('/vm/query?vmid=1&unknown=x')).toMatchObject({ name: 'web' });
  });

  test('calls there are not are 0 below /vm, /pm and /image; every other address is what it was', async () => {
    for (const path of ['/vm', '/vm/', '/vm/reboot', '/vm/create/', '/vm/Create', '/vm/create/x', '/pm', '/pm/create', '/image', '/image/', '/image/delete', '/vm//create', '/vm/%63reate', '/vm/%2e%2e/pm/list', '/vm/%zz', '/vm/types;x', '/vm/types%00']) expect([path, await body(path)]).toEqual([path, 0]);
    for (const path of ['/vms', '/VM/types', '/images/list', '/disk/list', '/pmx']) expect([path, (await site.ask(path)).status]).toEqual([path, 404]);
  });

  test('only a GET does anything', async () => {
    const path = `/vm/create?name=web&instance_type=1&image_id=${await theImage()}`;
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) expect([method, (await site.ask(path, { method })).body]).toEqual([method, 0]);
    expect((await site.ask(path, { method: 'POST', body: 'name=web' })).body).toBe(0);
    expect((await site.ask(path, { method: 'HEAD' })).status).toBe(200);
    const preflight = await site.ask(path, { method: 'OPTIONS' });
    expect([preflight.body, preflight.headers['access-control-allow-origin']]).toEqual([0, undefined]);
    expect(await site.rig.unit.read.instances.countOf(admin.userId)).toBe(0);
  });
});

describe('who may', () => {
  test('it is off unless the site asks for it, and then is an address like any that is not there', async () => {
    await site.restart({ enabled: false, user: 'ada' });
    for (const path of ['/vm/types', '/pm/list', '/image/list', '/vm/create?name=a&instance_type=1&image_id=100']) {
      for (const asking of [{}, { token: full }]) {
        const { status, body: problem } = await site.ask(path, asking);
        expect([path, status, problem]).toEqual([path, 404, expect.objectContaining({ code: 'not-found' })]);
      }
    }
    expect((await site.rest('GET', '/fabric', full)).body).toMatchObject({ enabled: false, url: 'https://lab.example:8443', actsAs: 'ada' });
  });

  test('an API token acts for its owner from anywhere, a read token only looks, anything else in the header is nobody', async () => {
    await site.restart({ allow: ['192.0.2.0/24'], user: 'ada' });
    const read = await site.token(admin, 'read');
    expect((await site.ask('/vm/types')).status).toBe(401);
    expect((await site.ask('/vm/types', { token: full })).status).toBe(200);
    expect((await site.ask('/image/list', { token: read })).status).toBe(200);
    const looked = await site.ask('/vm/create?name=a&instance_type=1&image_id=100', { token: read });
    expect([looked.status, looked.body, looked.reason]).toEqual([403, { vmid: 0 }, expect.stringMatching(/scope read/)]);
    expect(await site.ask('/vm/destroy?vmid=1', { token: read })).toMatchObject({ status: 403, body: { status: 0 } });
    expect(await body('/vm/create?name=a&instance_type=1&image_id=100', full)).toEqual({ vmid: 1 });
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${full}`, `Bearer ${full}x`, full, `Bearer ${full} ${full}`, 'Bearer pva_']) {
      const { status, headers, body: said } = await site.ask('/vm/destroy?vmid=1', { headers: { authorization } });
      expect([authorization, status, said, headers['www-authenticate']]).toEqual([authorization, 401, { status: 0 }, 'Bearer realm="paravcl"']);
    }
    expect((await site.ask(`/vm/types?token=${full}`)).status).toBe(401);
  });

  test('a wrong header is not made up for by an allowed address', async () => {
    expect((await site.ask('/vm/types')).status).toBe(200);
    expect((await site.ask('/vm/types', { headers: { authorization: 'Bearer pva_wrong' } })).status).toBe(401);
  });

  test('without a token nobody is answered where no user is named, or it is gone or disabled', async () => {
    await site.restart({ user: null });
    expect(await site.ask('/vm/types')).toMatchObject({ status: 401, body: 0, reason: expect.stringMatching(/fabric\.user/) as string });
    await site.restart({ user: 'nobody' });
    expect(await site.ask('/vm/types')).toMatchObject({ status: 401, reason: expect.stringMatching(/^There is no user nobody/) as string });
    await site.restart({ user: 'sue' });
    expect((await site.ask('/vm/types')).status).toBe(200);
    await site.rig.database.db('users').where({ id: sue.userId }).update({ disabled: 1 });
    expect((await site.ask('/vm/types')).status).toBe(401);
  });

  test('a cookie is never looked at: one of a session opens nothing, and makes a browser of a program', async () => {
    const cookie = '__Host-paravcl=whatever';
    expect((await site.ask('/vm/types', { headers: { cookie } })).status).toBe(403);
    expect((await site.ask('/vm/types', { token: full, headers: { cookie } })).status).toBe(200);
    await site.restart({ allow: [], user: 'ada' });
    expect((await site.ask('/vm/types', { headers: { cookie } })).status).toBe(401);
  });

  test('what came through a proxy needs a token, whatever it says of where it is from', async () => {
    for (const header of [{ 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }, { 'x-real-ip': '::1' }, { via: '1.1 proxy' }, { 'x-forwarded-proto': 'https' }]) {
      expect([header, (await site.ask('/vm/types', { headers: header })).status]).toEqual([header, 401]);
      expect([header, (await site.ask('/vm/types', { token: full, headers: header })).status]).toEqual([header, 200]);
    }
    await site.restart({ allow: ['10.0.0.0/8'], user: 'ada' });
    expect((await site.ask('/vm/types', { headers: { 'x-forwarded-for': '10.0.0.7' } })).status).toBe(401);
  });

  test('a browser is refused: of another site always, at an allowed machine without a token', async () => {
    const destroy = '/vm/destroy?vmid=1';
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'none, none' }]) {
      for (const token of [undefined, full]) expect([headers, (await site.ask(destroy, { headers, ...(token === undefined ? {} : { token }) })).status]).toEqual([headers, 403]);
    }
    // Typed, followed from a mail, or of a page whose name was made to lead here.
    for (const headers of [{ 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-dest': 'image' }]) {
      expect([headers, await site.ask(destroy, { headers })]).toMatchObject([headers, { status: 403, body: { status: 0 } }]);
      expect([headers, (await site.ask(destroy, { headers, token: full })).status]).toEqual([headers, 200]);
    }
    // Browsers from before Fetch Metadata.
    for (const headers of [{ referer: 'http://evil.example/' }, { 'accept-language': 'de-DE,de;q=0.9' }, { 'user-agent': 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15' }]) {
      expect([headers, await site.ask(destroy, { headers })]).toMatchObject([headers, { status: 403, body: { status: 0 }, reason: expect.stringMatching(/^A browser sent this\./) as string }]);
      expect([headers, (await site.ask(destroy, { headers, token: full })).status]).toEqual([headers, 200]);
    }
    // What the clients of the original, and Node's fetch, send by themselves.
    for (const headers of [
      { 'user-agent': 'Python-urllib/3.11', 'accept-encoding': 'identity', connection: 'close' }, { 'user-agent': 'python-requests/2.31.0', 'accept-encoding': 'gzip, deflate', accept: '*/*', connection: 'keep-alive' },
      { 'user-agent': 'curl/8.5.0', accept: '*/*' }, { 'user-agent': 'node', 'sec-fetch-mode': 'cors', 'accept-language': '*' }, {},
    ]) expect([headers, (await site.ask('/vm/types', { headers })).status]).toEqual([headers, 200]);
  });

  test('without a token it answers to its own names only', async () => {
    for (const host of ['lab.example:8443', 'LAB.example', 'localhost:8443', '127.0.0.1', '[::1]:8443']) expect([host, (await site.ask('/vm/types', { headers: { host } })).status]).toEqual([host, 200]);
    for (const host of ['rebound.evil.example:8443', 'lab.example.evil.example', 'x y', 'lab.example@evil.example', '0x7f.1.evil.example']) expect([host, (await site.ask('/vm/types', { headers: { host } })).status]).toEqual([host, 403]);
  });

  test('nobody sees, destroys or launches by it what is not theirs', async () => {
    const student = await site.token(sue);
    const hidden = await site.rig.image(64, 'disk', 'ready', { visibility: 'private', createdByUserId: admin.userId });
    const overview = (await site.rest('GET', '/fabric', full)).body as Fabric;
    const hiddenNumber = overview.images.find((each) => each.imageId === hidden)?.number ?? 0;
    expect(hiddenNumber).toBeGreaterThan(0);
    expect((await images(student)).map(({ id }) => id)).not.toContain(hiddenNumber);
    expect(await body(`/vm/create?name=a&instance_type=1&image_id=${hiddenNumber}`, student)).toEqual({ vmid: 0 });

    // As one that there is not: by status, body and reason, and no number is spent on it.
    const create1 = async (number: number): Promise<unknown> => {
      const { status, body: said, reason } = await site.ask(`/vm/create?name=a&instance_type=1&image_id=${number}`, { token: student });
      return { status, body: said, reason: reason?.replace(String(number), 'N') };
    };
    expect(await create1(hiddenNumber)).toEqual(await create1(999_999));

    const theirs = await create('theirs');
    for (const call of ['query', 'destroy']) {
      const [others, none] = [await site.ask(`/vm/${call}?vmid=${theirs}`, { token: student }), await site.ask(`/vm/${call}?vmid=999999`, { token: student })];
      expect({ ...others, reason: others.reason?.replace(String(theirs), 'N'), headers: null }).toEqual({ ...none, reason: none.reason?.replace('999999', 'N'), headers: null });
    }
    const mine = await create('mine', { token: student });
    await site.rig.scheduler.idle();
    expect(await body(`/vm/query?vmid=${theirs}`, student)).toBe(0);
    expect(await body(`/vm/destroy?vmid=${theirs}`, student)).toEqual({ status: 0 });
    expect(await body(`/vm/query?vmid=${mine}`, student)).toMatchObject({ name: 'mine', pmid: 1 });
    // Hosts are for who runs the site, and for who owns them.
    expect(await body('/pm/list', student)).toEqual({ pmids: [] });
    expect(await body('/pm/query?pmid=1', student)).toBe(0);
    expect(await body('/pm/listvms?pmid=1', student)).toBe(0);
    await site.rig.database.db('slaves').update({ kind: 'volunteer', owner_user_id: sue.userId });
    expect(await body('/pm/listvms?pmid=1', student)).toEqual({ vmids: [mine] });
    expect(await body('/pm/query?pmid=1', student)).toMatchObject({ vms: 2 });
    // As long as a student may ask for.
    expect(await site.rig.unit.read.instances.find(await instanceOf(mine))).toMatchObject({ userId: sue.userId, minutes: site.rig.settings.minutes.max });
  });

  test('a hundred requests a minute are a hundred, of each caller by itself, and then 429 says when', async () => {
    await site.restart({ user: 'ada', requestsPerMinute: 100 });
    const answers = await Promise.all(Array.from({ length: 105 }, () => site.ask('/vm/types')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
    expect(answers.find(({ status }) => status === 429)).toMatchObject({ headers: { 'retry-after': '60' }, body: 0 });
    expect(await site.ask('/vm/create?name=a&instance_type=1&image_id=100')).toMatchObject({ status: 429, body: { vmid: 0 } });
    expect((await site.ask('/vm/types', { token: full })).status).toBe(200);
    site.rig.clock.advance(60_000);
    expect((await site.ask('/vm/types')).status).toBe(200);
  });

  test('who guesses tokens is made to wait, too', async () => {
    await site.restart({ user: null, requestsPerMinute: 5 });
    const guess = () => site.ask('/vm/types', { headers: { authorization: 'Bearer pva_guess' } });
    for (let i = 0; i < 5; i++) expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
    // No token of that address is looked up until the minute is over; programs without one go on.
    expect((await site.ask('/vm/types', { token: full })).status).toBe(429);
    await site.restart({ user: 'ada', requestsPerMinute: 5 });
    for (let i = 0; i < 6; i++) await guess();
    expect((await site.ask('/vm/types')).status).toBe(200);
    site.rig.clock.advance(60_000);
    expect((await site.ask('/vm/types', { token: full })).status).toBe(200);
  });

  test('one account has its requests a minute however many tokens it has, and one address those of ten', async () => {
    await site.restart({ user: null, requestsPerMinute: 2 });
    const second = await site.token(admin);
    const statuses = async (tokens: readonly string[]): Promise<number[]> => {
      const said: number[] = [];
      for (const token of tokens) said.push((await site.ask('/vm/types', { token })).status);
      return said;
    };
    expect(await statuses([full, second, full, second])).toEqual([200, 200, 429, 429]);
    const student = await site.token(sue);
    expect(await statuses([student, student, student])).toEqual([200, 200, 429]);
    await statuses(Array.from({ length: 13 }, () => full));
    const fresh = await site.token(await site.person('operator', 'olga'));
    expect(await statuses([fresh])).toEqual([429]);
  });

  test('behind a proxy only tokens are answered, whatever address the proxy has and whoever is named', async () => {
    await site.restart({ user: 'ada', behindProxy: true });
    expect(await site.ask('/vm/types')).toMatchObject({ status: 401, body: 0, reason: expect.stringMatching(/fabric\.behindProxy/) as string });
    expect((await site.ask('/vm/types', { token: full })).status).toBe(200);
    expect((await site.rest('GET', '/fabric', full)).body).toMatchObject({ actsAs: null });
  });

  test('the loopback is what fabric.allow says, also where a host of the pool is at it', async () => {
    await site.rig.database.db('slaves').update({ address: '127.0.0.1' });
    expect((await site.ask('/vm/types')).status).toBe(200);
  });
});

describe('numbers', () => {
  test('twenty creates at once get twenty numbers, and of twenty of one name one is made', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, (_, i) => create(`vm-${i}`)));
    expect(new Set(made).size).toBe(20);
    expect([...made].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const names = await Promise.all(made.map(async (vmid) => ((await body(`/vm/query?vmid=${vmid}`)) as { name: string }).name));
    expect(names).toEqual(Array.from({ length: 20 }, (_, i) => `vm-${i}`));

    const same = await Promise.all(Array.from({ length: 20 }, () => create('twin')));
    expect(same.filter((vmid) => vmid > 0)).toHaveLength(1);
  }, 30_000);

  test('a thing that many see for the first time at once has one number', async () => {
    for (let i = 2; i <= 9; i++) await site.rig.slave(`pc-${i}`);
    const lists = await Promise.all(Array.from({ length: 10 }, () => body('/pm/list')));
    for (const list of lists) expect(list).toEqual({ pmids: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
  });

  test('numbers outlast starts of the master, and none is given to another thing', async () => {
    const vmid = await create('web');
    await site.rig.scheduler.idle();
    expect(await body(`/vm/destroy?vmid=${vmid}`)).toEqual({ status: 1 });
    await site.rig.report(await instanceOf(vmid), 'deleted');
    const id = await instanceOf(vmid);
    await site.rig.unit.read.instances.remove([id]);
    const [image, pms] = [await theImage(), await body('/pm/list')];
    await site.restart();
    expect([await theImage(), await body('/pm/list')]).toEqual([image, pms]);
    expect(await create('not%20a%20name')).toBe(0);
    const next = await create('web');
    expect(next).toBeGreaterThan(vmid + 1);
    expect(await body(`/vm/query?vmid=${vmid}`)).toBe(0);
  });

  test('a number is good before anybody has listed what it stands for', async () => {
    expect(await body('/vm/create?name=web&instance_type=1&image_id=100')).toEqual({ vmid: 1 });
    expect(await body('/pm/query?pmid=1')).toMatchObject({ pmid: 1 });
    for (const path of ['/pm/query?pmid=2', '/pm/listvms?pmid=2']) expect(await body(path)).toBe(0);
    expect(await body('/vm/create?name=two&instance_type=1&image_id=101')).toEqual({ vmid: 0 });
  });

  test('hosts that wait for approval or have left are no hosts, and one that takes nothing has nothing free', async () => {
    const waiting = await site.rig.slave('pc-2', { admission: 'pending' });
    await site.rig.slave('pc-3', { liveness: 'lost', connected: false, cores: 8, ramTotalMiB: 1024, poolTotalMiB: 10_240 });
    expect(await body('/pm/list')).toEqual({ pmids: [1, 2] });
    expect(await body('/pm/query?pmid=2')).toEqual({ pmid: 2, capacity: { cpu: 8, ram: 1024, disk: 10 }, free: { cpu: 0, ram: 0, disk: 0 }, vms: 0 });
    await site.rig.database.db('slaves').where({ id: waiting }).update({ admission: 'approved' });
    expect(await body('/pm/list')).toEqual({ pmids: [1, 2, 3] });
    await site.rig.database.db('slaves').where({ id: waiting }).update({ admission: 'retired' });
    expect(await body('/pm/list')).toEqual({ pmids: [1, 2] });
    expect(await body('/pm/query?pmid=3')).toBe(0);
  });
});

describe('types', () => {
  test('one of the same name and size keeps its tid, any other gets a new one, and one that is left out makes no new VMs', async () => {
    expect(await offered()).toEqual([{ tid: 1, ...small }, { tid: 2, ...large }]);
    const vmid = await create('web');
    expect((await define([large, { ...small, ramMiB: 256 }])).body).toEqual({ types: [{ tid: 2, ...large }, { tid: 3, ...small, ramMiB: 256 }] });
    expect(await create('late', { tid: 1 })).toBe(0);
    expect(await body(`/vm/query?vmid=${vmid}`)).toMatchObject({ instance_type: 1 });
    expect((await define([small])).body).toEqual({ types: [{ tid: 1, ...small }] });
    expect((await define([])).body).toEqual({ types: [] });
    expect(await body('/vm/types')).toEqual({ types: [] });
    expect((await define([{ ...small, name: 'other' }])).body).toEqual({ types: [{ tid: 4, ...small, name: 'other' }] });
  });

  test('only administrators define them, operators and administrators see them', async () => {
    const operator = await site.token(await site.person('operator', 'olga'));
    const student = await site.token(sue);
    expect([(await define([small], operator)).status, (await define([small], student)).status, (await site.rest('GET', '/fabric', student)).status]).toEqual([403, 403, 403]);
    expect((await site.rest('GET', '/fabric', operator)).body).toMatchObject({
      enabled: true, url: 'https://lab.example:8443', allow: ['127.0.0.1/32', '::1/128'], actsAs: 'ada', types: [{ tid: 1 }, { tid: 2 }], images: [{ number: 100, imageId }], slaves: [{ number: 1, name: 'pc-1' }],
    });
    const { items } = await site.rig.unit.read.events.page({ limit: 50 });
    expect(items).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'fabric.types-defined', sentence: 'ada defined the types of the Fabric API: 1 (small), 2 (large).' })]));
  });

  test('what is no type is refused in its field, and nothing of it is kept', async () => {
    for (const wrong of [[small, small], [{ ...small, vcpus: 0 }], [{ ...small, ramMiB: 1.5 }], [{ ...small, diskMiB: -1 }], [{ ...small, name: '' }], [{ ...small, name: 'a\u0000' }], [{ vcpus: 1 }], [null], Array.from({ length: 201 }, (_, i) => ({ ...small, name: `t${i}` }))]) {
      expect([wrong.length, (await define(wrong as object[])).status]).toEqual([wrong.length, 400]);
    }
    expect(await offered()).toEqual([{ tid: 1, ...small }, { tid: 2, ...large }]);
  });

  test('two who define them at once both get theirs, one after the other', async () => {
    const sets = Array.from({ length: 10 }, (_, i) => [{ ...small, name: `t${i}` }]);
    const answers = await Promise.all(sets.map((types) => define(types)));
    expect(answers.map(({ status }) => status)).toEqual(sets.map(() => 200));
    expect(new Set(answers.flatMap((answer) => (answer.body as { types: FabricType[] }).types.map(({ tid }) => tid))).size).toBe(10);
    expect(await offered()).toHaveLength(1);
  });
});

test('a program’s machines count towards the quota of who they are for', async () => {
  await site.close();
  site = await openFabricSite({ user: 'sue' }, { quotas: { ...defaultQuotas, user: { ...defaultQuotas.user, instances: 1 } } });
  await site.rig.slave('pc-1');
  await site.rig.image();
  await site.person('student', 'sue');
  full = await site.token(await site.person('admin', 'ada'));
  await define([small]);
  expect(await create('one')).toBe(1);
  const answer = await site.ask(`/vm/create?name=two&instance_type=1&image_id=${await theImage()}`);
  expect([answer.status, answer.body, answer.reason]).toEqual([200, { vmid: 0 }, expect.stringMatching(/1/)]);
});
