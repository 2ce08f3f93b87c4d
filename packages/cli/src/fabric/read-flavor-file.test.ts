import fc from 'fast-check';
import { sayFileFault } from './file-fault';
import { LiteralFault, parseLiteral, type Literal } from './literal';
import { readFlavorFile } from './read-flavor-file';

const read = (text: string): ReturnType<typeof readFlavorFile> => readFlavorFile('flavors', Buffer.from(text));
const said = (text: string): string[] => read(text).faults.map(sayFileFault);

describe('the dictionary of flavors', () => {
  it('is read in the original’s shape, ordered by its numbers', () => {
    const { flavors, faults } = read('{"types": [{"tid": 2, "cpu": 2, "ram": 1024, "disk": 8}, {"tid": 1, "cpu": 1, "ram": 512, "disk": 1}]}');
    expect(faults).toEqual([]);
    expect(flavors.map(({ name, vcpus, ramMiB, diskMiB, tid }) => [name, vcpus, ramMiB, diskMiB, tid])).toEqual([
      ['type 1', 1, 512, 1024, 1],
      ['type 2', 2, 1024, 8192, 2],
    ]);
  });

  it('is read with a name for each, in Python’s way', () => {
    const { flavors, faults } = read("# sizes of the lab\n{\n  'small': {u'cpu': 1, 'ram': 512L, 'disk': 1,},  # for exercises\n  'big': {'cpu': 4, 'ram': 4096, 'disk': 20},\n}\n");
    expect(faults).toEqual([]);
    expect(flavors.map(({ name, line }) => [name, line])).toEqual([
      ['small', 3],
      ['big', 4],
    ]);
  });

  it('tells every fault with field, value and limit', () => {
    expect(said('{\n"a": {"cpu": 65, "ram": "512", "disk": 1},\n"b": {"cpu": True, "ram": 16},\n"c": 7,\n"": {"cpu": 1, "ram": 64, "disk": 1.5, "gpu": 1}}')).toEqual([
      'flavors:2:14: cpu of "a" is 65: 1 to 64 cores.',
      'flavors:2:25: ram of "a" is the text "512" and must be a whole number, 32 to 1048576 MiB.',
      'flavors:3:6: "b" has no disk: 1 to 65536 GiB.',
      'flavors:3:14: cpu of "b" is True and must be a whole number, 1 to 64 cores.',
      'flavors:3:27: ram of "b" is 16: 32 to 1048576 MiB.',
      'flavors:4:6: "c" is 7 and must be a dictionary of cpu, ram, disk, and name or tid if need be.',
      'flavors:5:5: the name "" must not be empty.',
      expect.stringMatching(/^flavors:5:\d+: disk of "" is 1\.5 and must be a whole number/),
      expect.stringMatching(/^flavors:5:\d+: "" has the field "gpu", which is not known/),
    ]);
  });

  it('says where the text itself goes wrong, and runs nothing of it', () => {
    expect(said('{"a": __import__("os").system("true")}')).toEqual([expect.stringMatching(/^flavors:1:7: the word __import__ is no value/)]);
    expect(said('{"a": {"cpu": 1\n')).toEqual([expect.stringMatching(/^flavors:2:1: the file ends, and the "\{" of line 1, column 7 is not closed/)]);
    expect(said('{"a": 1 "b": 2}')).toEqual(['flavors:1:9: here should be a "," or "}", and there is """.']);
    expect(said("{'a': 1,\n'a': 2}")).toEqual([expect.stringMatching(/^flavors:2:1: the key a stands on line 1 already/)]);
    expect(said('{"a": "no end\n}')).toEqual(['flavors:1:7: the text that begins here has no " at its end.']);
    expect(said('{} {}')).toEqual([expect.stringMatching(/^flavors:1:4: "\{" stands behind the end/)]);
    expect(said('['.repeat(100_000))).toEqual([expect.stringMatching(/^flavors:1:22: more than 20 brackets/)]);
    expect(said('')).toEqual([expect.stringMatching(/^flavors:1:1: there is nothing in it/)]);
    expect(said('[1]')).toEqual([expect.stringMatching(/^flavors:1:1: the file holds a dictionary/)]);
    expect(said('{"types": []}')).toEqual(['flavors:1:11: there is no type in it.']);
  });

  it('refuses two types of one number or one name', () => {
    expect(said('{"types": [{"tid": 1, "cpu": 1, "ram": 64, "disk": 1},\n{"tid": 1, "cpu": 2, "ram": 64, "disk": 1}]}')).toEqual(['flavors:2:1: tid 1 is given on line 1 already.']);
    expect(said('{"types": [{"name": "x", "cpu": 1, "ram": 64, "disk": 1},\n{"name": "x", "cpu": 2, "ram": 64, "disk": 1}]}')).toEqual(['flavors:2:1: the name "x" is given on line 1 already.']);
  });
});

type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string().filter((key) => key !== '__proto__'), tie('value'), { maxKeys: 4 }),
  ),
}));

/** As Python's repr has it, with commas, comments and line ends where a person might put them. */
function python(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `u'${value.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r')}'`;
  if (Array.isArray(value)) return `(${value.map((each) => `${python(each as Value)}, # one\n`).join('')})`;
  return `{${Object.entries(value).map(([key, each]) => `\r\n ${python(key)} : ${python(each as Value)},`).join('')}}`;
}

function plain(literal: Literal): Value {
  switch (literal.kind) {
    case 'dictionary':
      return Object.fromEntries(literal.entries.map(({ key, value }) => [String(key), plain(value)]));
    case 'list':
      return literal.items.map(plain);
    case 'nothing':
      return null;
    default:
      return literal.value;
  }
}

describe('a literal', () => {
  it('is read back as it was written as JSON and in Python’s way', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(plain(parseLiteral(JSON.stringify(value)))).toEqual(value);
        expect(plain(parseLiteral(python(value)))).toEqual(value);
      }),
    );
  });

  it('is a literal or a fault with its place, whatever the text', () => {
    const pieces = fc.array(fc.oneof(fc.constantFrom('{', '}', '[', ']', '(', ')', ':', ',', "'", '"', '\\', 'u', '#', '\n', '1', 'None', '.', '-', ' ', "'types'", "'cpu'"), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 40 });
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        try {
          parseLiteral(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LiteralFault);
          expect((error as LiteralFault).place.line).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length);
          expect((error as LiteralFault).place.column).toBeGreaterThanOrEqual(1);
        }
        for (const fault of readFlavorFile('f', Buffer.from(text)).faults) expect(fault.line).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it('is read from any bytes without a throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readFlavorFile('f', Buffer.from(bytes))));
  });
});
