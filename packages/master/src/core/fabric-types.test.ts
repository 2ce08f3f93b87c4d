import fc from 'fast-check';
import { redefineTypes, type FabricSize, type KnownType } from './fabric-types';

const size = (name: string, ramMiB = 512): FabricSize => ({ name, vcpus: 1, ramMiB, diskMiB: 1024 });
const known = (tid: number, name: string, retired = false): KnownType => ({ tid, ...size(name), retired });

test('the same name and size is the same type; another size of that name is another', () => {
  const { offered, changed, last } = redefineTypes([known(1, 'small'), known(2, 'large')], [size('large'), size('small', 256)], 2);
  expect(offered).toEqual([{ tid: 2, ...size('large') }, { tid: 3, ...size('small', 256) }]);
  expect(changed).toEqual([{ tid: 3, ...size('small', 256), retired: false }, { ...known(1, 'small'), retired: true }]);
  expect(last).toBe(3);
});

test('one that was left out for a while comes back under its tid', () => {
  expect(redefineTypes([known(1, 'small', true)], [size('small')], 1)).toEqual({ offered: [{ tid: 1, ...size('small') }], changed: [{ ...known(1, 'small'), retired: false }], last: 1 });
});

test('said again, nothing changes', () => {
  const all = [known(1, 'small'), known(2, 'old', true)];
  expect(redefineTypes(all, [size('small')], 2)).toEqual({ offered: [{ tid: 1, ...size('small') }], changed: [], last: 2 });
});

test('whatever is defined in whatever order, a tid means one name and size for ever', () => {
  const definition = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), ramMiB: fc.constantFrom(256, 512) }), { selector: ({ name }) => name });
  fc.assert(fc.property(fc.array(definition), (definitions) => {
    let books: readonly KnownType[] = [];
    let last = 0;
    const meant = new Map<number, string>();
    for (const wished of definitions) {
      const after = redefineTypes(books, wished.map(({ name, ramMiB }) => size(name, ramMiB)), last);
      const changed = new Map(after.changed.map((type) => [type.tid, type]));
      books = [...books.filter(({ tid }) => !changed.has(tid)), ...changed.values()];
      last = after.last;
      expect(after.offered.map(({ name, ramMiB }) => ({ name, ramMiB }))).toEqual(wished);
      expect(books.filter(({ retired }) => !retired).map(({ tid }) => tid).sort()).toEqual(after.offered.map(({ tid }) => tid).sort());
      for (const { tid, name, ramMiB } of books) {
        expect(meant.get(tid) ?? `${name} ${ramMiB}`).toBe(`${name} ${ramMiB}`);
        meant.set(tid, `${name} ${ramMiB}`);
        expect(tid).toBeLessThanOrEqual(last);
      }
    }
  }));
});
