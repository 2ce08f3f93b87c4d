import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import type { RefusedMapping } from '../public/judge-mappings';
import type { WantedMapping } from '../public/wanted-mappings';
import { SimulatedPublicNetwork } from '../public/simulated-public-network';
import { PublicMappingKeeper } from './public-mapping-keeper';
import { Troubles } from './troubles';

const log = pino({ level: 'silent' });
const site = { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 };
const web: WantedMapping = { instanceId: 'id-1', name: 'i-1', guest: '10.77.0.11', mapping: { kind: 'address', address: '192.0.2.5' } };
const mail: WantedMapping = { instanceId: 'id-2', name: 'i-2', guest: '10.77.0.12', mapping: { kind: 'port', transport: 'tcp', publicPort: 20_000, guestPort: 25 } };
function rig() {
  const clock = new HandClock();
  const troubles = new Troubles(clock, log, () => undefined);
  const applied: string[][] = [];
  const state = { wanted: [] as readonly WantedMapping[], fault: null as Error | null, refused: [] as readonly RefusedMapping[], gate: Promise.resolve() };
  const network = {
    apply: async (wanted: readonly WantedMapping[]): Promise<readonly RefusedMapping[]> => {
      applied.push(wanted.map(({ name }) => name));
      await state.gate;
      if (state.fault !== null) throw state.fault;
      return state.refused;
    },
  };
  const keeper = new PublicMappingKeeper({ clock, log, network, troubles, wanted: () => state.wanted, site: () => site });
  return { clock, troubles, applied, state, keeper };
}

test('a start makes it right once, then only what changes and what somebody may have taken away is made again', async () => {
  const { applied, state, keeper } = rig();
  keeper.start();
  await turn();
  keeper.changed();
  keeper.look();
  await turn();
  expect(applied).toEqual([[]]);

  state.wanted = [web];
  keeper.changed();
  keeper.changed();
  await turn();
  expect(applied).toEqual([[], ['i-1']]);
  keeper.look();
  await turn();
  expect(applied).toHaveLength(3);
  state.wanted = [];
  keeper.changed();
  await turn();
  expect(applied.at(-1)).toEqual([]);
  keeper.look();
  await turn();
  expect(applied).toHaveLength(4);
});

test('what changes while it is being made is made after it, once, and as it is then', async () => {
  const { applied, state, keeper } = rig();
  let open: () => void = () => undefined;
  state.gate = new Promise((resolve) => (open = resolve));
  state.wanted = [web];
  keeper.start();
  state.wanted = [web, mail];
  keeper.changed();
  state.wanted = [mail];
  keeper.changed();
  open();
  await turn();
  expect(applied).toEqual([['i-1'], ['i-2']]);
});

test('a host that fails is tried again and again, told with its own words, and well again when it does', async () => {
  const { applied, state, keeper, clock, troubles } = rig();
  state.wanted = [web];
  state.fault = new Error('nft is not installed on this host: apt-get install nftables');
  keeper.start();
  await turn();
  expect(troubles.all()).toMatchObject([{ code: 'public-mapping', sentence: expect.stringContaining('may not lead to its guests: nft is not installed on this host: apt-get install nftables.') as unknown }]);
  await clock.advance(1000);
  await turn();
  expect(applied).toHaveLength(2);
  state.fault = null;
  await clock.advance(2000);
  await turn();
  expect(applied).toHaveLength(3);
  expect(troubles.all()).toEqual([]);
  await clock.advance(3600_000);
  await turn();
  expect(applied).toHaveLength(3);
});

test('where nothing is to be mapped, nobody is troubled by tools that are not there', async () => {
  const { state, keeper, troubles } = rig();
  state.fault = new Error('ip is not installed on this host: apt-get install iproute2');
  keeper.start();
  await turn();
  expect(troubles.all()).toEqual([]);
});

test('what is refused is told with the first sentence and how many more, and no longer once it is made', async () => {
  const { state, keeper, troubles } = rig();
  state.wanted = [web, mail];
  state.refused = [web, mail].map((wanted) => ({ wanted, sentence: `It does not lead to ${wanted.name}.` }));
  keeper.start();
  await turn();
  expect(troubles.all()).toMatchObject([{ sentence: expect.stringMatching(/^It does not lead to i-1\. So it is with 1 more\. Since /) as unknown }]);
  state.refused = state.refused.slice(1);
  keeper.look();
  await turn();
  expect(troubles.all()).toMatchObject([{ sentence: expect.stringMatching(/^It does not lead to i-2\. Since /) as unknown }]);
  state.refused = [];
  keeper.look();
  await turn();
  expect(troubles.all()).toEqual([]);
});

test('a simulated host maps nothing, and says so once', async () => {
  const said: unknown[] = [];
  const network = new SimulatedPublicNetwork({ warn: (...words: unknown[]) => void said.push(words) } as never);
  await network.apply([]);
  expect(said).toHaveLength(0);
  for (let time = 0; time < 3; time++) expect(await network.apply([web])).toEqual([]);
  expect(said).toHaveLength(1);
});
