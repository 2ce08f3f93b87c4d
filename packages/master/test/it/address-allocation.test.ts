import { newId } from '@paravcl/shared/ids';
import { guestAddressCount } from '../../src/core/addresses';
import { allocateAddress } from '../../src/services/address-allocation';
import { sampleTime } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

const network = { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.3.1', prefix: 25 };

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

const given = (id = newId(sampleTime)) => database.unit.transaction((repositories) => allocateAddress(repositories, network, id, sampleTime));

test('every address of the network is given once, and the last ones are found wherever they are', async () => {
  const ids = Array.from({ length: guestAddressCount(network) }, () => newId(sampleTime));
  const addresses = new Set<string>();
  for (const id of ids) addresses.add((await given(id)).address);
  expect(addresses.size).toBe(125);
  await expect(given()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('All 125 addresses') as string });
  const [gone = ''] = ids;
  await database.unit.read.addresses.release(gone);
  expect(addresses).toContain((await given()).address);
  await database.db('addresses').delete();
});

test('those that are taken are not all read where one of the first is free', async () => {
  for (let number = 0; number < 40; number++) await given();
  const read = jest.fn();
  await database.unit.transaction((repositories) => {
    const { addresses } = repositories;
    const taken = addresses.taken.bind(addresses);
    addresses.taken = (of = null) => {
      read(of?.length ?? 'all');
      return taken(of);
    };
    return allocateAddress(repositories, network, newId(sampleTime), sampleTime);
  });
  expect(read.mock.calls).toEqual([[32]]);
});
