import type { RouteContract } from '@paravcl/shared/api/route';
import { newId } from '@paravcl/shared/ids';
import { openFleetRoutes, type FleetRoutes } from './fleet-routes';
import { OwnedThings } from './owned-things';
import { openTestSite, type Got, type Person, type TestSite } from './test-site';

/** Whose things they are, their group's teacher, and people who have nothing to do with them. */
const people = ['student', 'another student', 'teacher', 'another teacher', 'operator', 'admin'] as const;
type Who = (typeof people)[number];

/**
 * Who may do what to the student's things, told a second time. In the order of `people`:
 *   y  does it, as far as the thing's state lets them
 *   -  is answered as if it did not exist
 *   s  sees it, and is told that it is not theirs to do
 *   r  is told that their role never does this
 */
const told: Readonly<Record<string, string>> = {
  'slave.see': 'y---yy',
  'slave.operate': 'rrrryy',
  'slave.install': 'rrrryy',
  'slave.declare-dead': 'rrrrry',
  'join-token.revoke': 'y---yy',
  'image.see': 'y-y-yy',
  'image.create': 'rrrryy',
  'image.edit': 'rrrryy',
  'image.delete': 'rrrryy',
  'image.spread': 'rrrryy',
  // Who may launch an image may not take it home.
  'image.download': 'y-s-yy',
  'template.see': 'y-y-yy',
  'template.edit': 'rry-yy',
  'template.delete': 'rry-yy',
  'instance.see': 'y-y-yy',
  'instance.operate': 'y-y-yy',
  'instance.console': 'y-y-yy',
  'instance.publish': 'y-y-yy',
  'connection.end': 'y-y-yy',
  // Nobody's teacher: what is kept of a machine is its owner's.
  'snapshot.see': 'y---yy',
  'snapshot.operate': 'y---yy',
  'deployment.see': 'y-y-yy',
  'deployment.edit': 'y-y-yy',
  'deployment.operate': 'y-y-yy',
  'group.see': 'y-y-yy',
  'group.edit': 'rry-ry',
  'group.delete': 'rry-ry',
  'user.list': 'rry-ry',
  'user.see': 'y-y-ry',
  'user.edit': 'y-y-ry',
  'user.set-role': 'rrrrry',
  'home.see': 'y-y-yy',
  'home.edit': 'rrrryy',
  'operation.see': 'y-y-yy',
  'api-token.own': 'y-----',
  'reservation.see': 'y-y-yy',
  'reservation.claim': 'y-y-ss',
  'reservation.operate': 'y-y-yy',
  'decision.see': 'y-y-yy',
  'decision.inputs': 'rrrryy',
  'decision.replay': 'rrrryy',
};

/** Routes that differ from their action. */
const toldOfRoute: Readonly<Record<string, string>> = {
  'post /notices/:noticeId/read': 'y-----',
  // One's own password is changed with the old one.
  'post /users/:userId/password-token': 's-y-ry',
};

/** A body that is refused for nothing but whose thing it is. Where `{}` says enough, it is sent. */
const bodies: Readonly<Record<string, unknown>> = {
  'post /slaves/:slaveId/removal': { hostKey: `SHA256:${'a'.repeat(43)}`, credential: { kind: 'password', password: 'x' }, address: '127.0.0.1' },
  'post /reservations/:reservationId/reschedule': { start: '2030-03-04T10:00', minutes: 60 },
  'post /reservations/:reservationId/extend': { end: '2030-03-04T10:00' },
  'post /groups/:groupId/members': { userName: 'student1' },
  'post /groups/:groupId/roster': { csv: 'somebody,Somebody,', apply: false },
  'put /users/:userId/role': { role: 'student' },
  'put /users/:userId/home': { sizeMiB: 1024 },
  'put /image-families/:familyId/production': { imageId: newId(0) },
  'post /deployments/:deploymentId/members': { count: 1 },
  'post /instances/:instanceId/public-mappings': { kind: 'port', guestPort: 80 },
};

let fleet: FleetRoutes;
let site: TestSite;
let cast: Record<Who, Person>;
let things: OwnedThings;
let groupId: string;
let publicImageId = '';

beforeAll(async () => {
  fleet = await openFleetRoutes();
  site = await openTestSite({ more: fleet.routes });
  const { student, teacher, operator, admin } = site.people;
  const anotherGroup = await site.send<{ id: string }>('POST', '/groups', { as: admin, body: { name: 'Others' } });
  cast = { student, teacher, operator, admin, 'another student': await site.person('student2', 'student', anotherGroup.body.id), 'another teacher': await site.person('teacher2', 'teacher') };
  await site.send('PATCH', `/groups/${anotherGroup.body.id}`, { as: admin, body: { ownerUserId: cast['another teacher'].id } });
  groupId = (await site.send<{ id: string }>('POST', '/groups', { as: teacher, body: { name: 'CL I' } })).body.id;
  await site.send('POST', `/groups/${groupId}/members`, { as: teacher, body: { userName: student.name } });
  things = new OwnedThings(site.database, fleet.connections, { student, teacher, groupId });
}, 60_000);
afterAll(async () => {
  await site.close();
  await fleet.close();
});

interface Route {
  readonly name: string;
  readonly contract: RouteContract;
  readonly parameters: readonly string[];
}

/** Every route of the document that clients are generated from. */
async function routesOfDocument(): Promise<readonly Route[]> {
  const { body } = await site.send<{ paths: Record<string, Record<string, { parameters?: { in: string; name: string }[] }>> }>('GET', '/openapi.json');
  return Object.entries(body.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [] }]) => {
      const name = `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
      const contract = site.routes.find((bound) => `${bound.contract.method} ${bound.contract.path}` === name)?.contract;
      if (contract === undefined) throw new Error(`${name} is in the document and not mounted.`);
      return { name, contract, parameters: parameters.filter((each) => each.in === 'path').map((each) => each.name) };
    }),
  );
}

const pathOf = (path: string, ids: Readonly<Record<string, string>>): string => path.replace(/:(\w+)/g, (_all, name: string) => ids[name] ?? '');

function bodyOf({ name, contract }: Route): unknown {
  if (contract.body === undefined || contract.body === 'stream') return undefined;
  const body = bodies[name] ?? {};
  if (!contract.body.safeParse(body).success) throw new Error(`${name} needs a body to be refused for its owner alone: add a small valid one to \`bodies\` of this test.`);
  return body;
}

function call(route: Route, ids: Readonly<Record<string, string>>, as: Person): Promise<Got> {
  const { contract } = route;
  const sent = contract.body === 'stream' ? { raw: 'bytes', headers: { 'content-type': 'application/octet-stream' } } : { body: bodyOf(route) };
  return site.send(contract.method.toUpperCase(), pathOf(contract.path, ids), { as, ...sent });
}

/** An answer with every id that it was asked for as one and the same. */
function without(ids: Readonly<Record<string, string>>, { status, body }: Got): string {
  const plain = typeof body === 'object' && 'trace' in body ? { ...body, trace: '' } : body;
  return Object.entries(ids).reduce((text, [name, id]) => text.replaceAll(id, `{${name}}`), `${status} ${JSON.stringify(plain)}`);
}

const nothingSuch = (parameters: readonly string[]): Record<string, string> => Object.fromEntries(parameters.map((name) => [name, newId(Date.now())]));

async function madeAnew({ contract, name, parameters }: Route): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const parameter of parameters) {
    const make = things.byParameter[parameter];
    if (make === undefined) throw new Error(`${name} is about a ${parameter}, of which this test makes none: say in owned-things.ts how somebody comes to own one.`);
    ids[parameter] = await make(contract.path, ids);
  }
  return ids;
}

test('of everything that has an owner, each person may do what is theirs, and what is not answers exactly as what does not exist', async () => {
  const wrong: string[] = [];
  const routes = (await routesOfDocument()).filter(({ parameters }) => parameters.length > 0);
  expect(routes.length).toBeGreaterThan(75);
  for (const route of routes) {
    const marks = toldOfRoute[route.name] ?? told[route.contract.action];
    if (marks === undefined) throw new Error(`${route.name} asks for ${route.contract.action}: say in \`told\` of this test who may do that to whose things.`);
    for (const [at, who] of people.entries()) {
      const ids = await madeAnew(route);
      // The account itself is the student's thing, too.
      const as = (who === 'student' && route.parameters[0] === 'userId' ? things.whoIs(ids['userId']) : undefined) ?? cast[who];
      const absent = nothingSuch(route.parameters);
      const [got, ofNothing] = await Promise.all([call(route, ids, as), call(route, absent, as)]);
      const code = got.status < 400 ? null : got.body['code'];
      const mark = marks[at];
      const [says, saysOfNothing] = [without(ids, got), without(absent, ofNothing)];
      const isRight =
        mark === 'y' ? code !== 'forbidden' && got.status < 500 && says !== saysOfNothing
        : mark === 's' ? code === 'forbidden'
        : mark === 'r' ? code === 'forbidden' && says === saysOfNothing
        : code === 'not-found' && says === saysOfNothing;
      if (!isRight) wrong.push(`${route.name} as ${who} (${String(mark)}): ${says}\n    of nothing: ${saysOfNothing}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(site.faults).toEqual([]);
}, 120_000);

test('nobody sees things of others in a list, whatever they filter by; whose they are does', async () => {
  const ids: Record<string, string> = {};
  for (const [parameter, make] of Object.entries(things.byParameter)) if (parameter !== 'userId') ids[parameter] = await make('/images', ids);
  ids['slaveId'] = await things.slave('approved');
  ids['userId'] = cast.student.id;
  ids['subjectId'] = ids['instanceId'] ?? '';
  const routes = (await routesOfDocument()).filter(({ contract, parameters }) => contract.method === 'get' && parameters.length === 0 && contract.action !== 'public');
  const seenByOwners = new Set<string>();
  const wrong: string[] = [];
  for (const { name, contract } of routes) {
    const filters = Object.keys(contract.query?.shape ?? {}).filter((each) => ids[each] !== undefined);
    const isAnswered = contract.query?.safeParse({}).success ?? true;
    for (const owner of [cast.student, cast.teacher]) {
      if (!isAnswered) continue;
      const text = JSON.stringify((await site.send('GET', contract.path, { as: owner })).body);
      for (const [parameter, id] of Object.entries(ids)) if (text.includes(id)) seenByOwners.add(parameter);
    }
    for (const who of ['another student', 'another teacher'] as const) {
      if (isAnswered) {
        const text = JSON.stringify((await site.send('GET', contract.path, { as: cast[who] })).body ?? '');
        for (const [parameter, id] of Object.entries(ids)) if (text.includes(id)) wrong.push(`${name} shows ${who} the ${parameter} of somebody else`);
      }
      for (const filter of filters) {
        const theirs = { [filter]: ids[filter] ?? '' };
        const absent = { [filter]: newId(Date.now()) };
        const ask = async (by: Record<string, string>): Promise<string> => without(by, await site.send('GET', `${contract.path}?${new URLSearchParams(by).toString()}`, { as: cast[who] }));
        const [says, saysOfNothing] = [await ask(theirs), await ask(absent)];
        if (says !== saysOfNothing) wrong.push(`${name}?${filter} as ${who}: ${says}\n    of nothing: ${saysOfNothing}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  // Decisions have no list of their own, and installs are for who runs the site; `subjectId` stands for the instance.
  expect(Object.keys(ids).filter((each) => !seenByOwners.has(each)).sort()).toEqual(['decisionId', 'hostInstallId']);
}, 60_000);

const soon = (): object => ({ start: `${new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 10)}T10:00`, minutes: 60 });

/** Bodies that name a thing: somebody else's, and none. */
const naming: readonly (readonly [method: string, path: string, parameter: string, body: (id: string) => unknown])[] = [
  ...['imageId', 'familyId', 'templateId'].flatMap((parameter) => [
    ['POST', '/instances', parameter, (id: string) => ({ [parameter]: id })] as const,
    ['POST', '/deployments', parameter, (id: string) => ({ name: 'x', count: 1, [parameter]: id })] as const,
  ]),
  ['POST', '/snapshots', 'instanceId', (id) => ({ instanceIds: [id] })],
  ['POST', '/snapshots', 'deploymentId', (id) => ({ deploymentId: id })],
  ['POST', '/reservations/check', 'imageId', (id) => ({ ...soon(), imageId: id })],
  ['POST', '/reservations/check', 'familyId', (id) => ({ ...soon(), familyId: id })],
  ['POST', '/reservations/check', 'groupId', (id) => ({ ...soon(), groupId: id })],
  ['POST', '/templates', 'imageId', (id) => ({ name: 'x', imageId: id })],
  ['POST', '/templates', 'familyId', (id) => ({ name: 'x', familyId: id })],
  ['POST', '/templates', 'groupId', (id) => ({ name: 'x', imageId: publicImageId, groupIds: [id] })],
  ['POST', '/instances', 'groupId', (id) => ({ imageId: publicImageId, groupId: id })],
  ['POST', '/deployments', 'userId', (id) => ({ name: 'x', imageId: publicImageId, users: [id] })],
  ['POST', '/deployments', 'slaveId', (id) => ({ name: 'x', imageId: publicImageId, count: 1, slaveIds: [id] })],
  ['POST', '/deployments', 'groupId', (id) => ({ name: 'x', imageId: publicImageId, count: 1, groupId: id })],
];

test('a request that names somebody else’s thing is answered as one that names nothing', async () => {
  publicImageId = await things.publicImage();
  const wrong: string[] = [];
  for (const [method, path, parameter, body] of naming) {
    const id = (await things.byParameter[parameter]?.(path, {})) ?? '';
    const absent = newId(Date.now());
    for (const who of path === '/templates' ? (['another teacher'] as const) : (['another student', 'another teacher'] as const)) {
      const ask = async (named: string): Promise<string> => without({ id: named }, await site.send(method, path, { as: cast[who], body: body(named) }));
      const [says, saysOfNothing] = [await ask(id), await ask(absent)];
      // It is refused for what it names, and for nothing before that.
      const isForThat = /^4.*(\{id\}|"field":"groupIds?")/.test(says);
      if (says !== saysOfNothing || !isForThat) wrong.push(`${method} ${path} with ${parameter} as ${who}: ${says}\n    of nothing: ${saysOfNothing}`);
    }
  }
  expect(wrong).toEqual([]);
}, 60_000);
