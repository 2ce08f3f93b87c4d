import { PoolAddresses } from '../../src/services/pool-addresses';
import { openRig } from './instance-rig';

test('where hosts are is known by their connections and their interfaces, and read once in ten seconds', async () => {
  const rig = await openRig();
  try {
    const id = await rig.slave('pc-1');
    const pool = new PoolAddresses(rig.unit, rig.clock);
    const before = await pool.addresses();
    await rig.database.db('slaves').where({ id }).update({ address: '2001:db8::7' });
    expect(await pool.addresses()).toBe(before);
    rig.clock.advance(10_000);
    expect(await pool.addresses()).toContain('2001:db8::7');
    await rig.database.db('slaves').where({ id }).update({ admission: 'retired' });
    rig.clock.advance(10_000);
    expect(await pool.addresses()).toEqual([]);
  } finally {
    await rig.close();
  }
});
