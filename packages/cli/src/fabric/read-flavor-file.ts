import { displayNameSchema, instanceBounds } from '@paravcl/shared/domain/limits';
import { sayFault } from '@paravcl/shared/say-fault';
import { inOrder, shown, type FileFault } from './file-fault';
import { LiteralFault, parseLiteral, type Entry, type Literal, type Place } from './literal';
import { textOf } from './text-file';

/** A type of VMs as the master takes it. */
export interface Flavor {
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly line: number;
  /** The number the file gives it. The system gives its own, in the order of these on a first run. */
  readonly tid: number | null;
}

const mostFlavors = 200;
const MiBOfGiB = 1024;

/** What a type is said by: `ram` in MiB and `disk` in GiB, as the original has them. */
const measures = {
  cpu: { ...instanceBounds.vcpus, unit: 'cores' },
  ram: { ...instanceBounds.ramMiB, unit: 'MiB' },
  disk: { min: 1, max: instanceBounds.diskMiB.max / MiBOfGiB, unit: 'GiB' },
} as const;
const fields = 'cpu, ram, disk, and name or tid if need be';

/**
 * The dictionary of flavors: `{"types": [{"tid": 1, "cpu": 1, "ram": 512, "disk": 1}, …]}`, or a name for each, `{"small": {"cpu": 1, "ram": 512,
 * "disk": 1}, …}`, as JSON or in Python's way. Never throws: every fault is told with its place; where the text itself cannot be
 * read, the first.
 */
export function readFlavorFile(file: string, bytes: Buffer): { readonly flavors: readonly Flavor[]; readonly faults: readonly FileFault[] } {
  const read = textOf(file, bytes);
  if ('fault' in read) return { flavors: [], faults: [read.fault] };
  const faults: FileFault[] = [];
  const fault = (place: Place, sentence: string): void => void faults.push({ file, line: place.line, column: place.column, sentence });
  try {
    const flavors = namedOnce(flavorsIn(parseLiteral(read.text), fault), fault);
    if (flavors.length > mostFlavors) fault(flavors[mostFlavors]?.place ?? { line: 1, column: 1 }, `at most ${String(mostFlavors)} types are taken, and the file has ${String(flavors.length)}.`);
    const byTid = [...flavors].sort((one, other) => (one.tid ?? Infinity) - (other.tid ?? Infinity) || 0);
    return { flavors: byTid.map(({ place, ...flavor }) => ({ ...flavor, line: place.line })), faults: inOrder(faults) };
  } catch (error) {
    if (!(error instanceof LiteralFault)) throw error;
    fault(error.place, error.message);
    return { flavors: [], faults };
  }
}

type Fault = (place: Place, sentence: string) => void;
type Placed = Omit<Flavor, 'line'> & { readonly place: Place };

function flavorsIn(whole: Literal, fault: Fault): readonly Placed[] {
  if (whole.kind !== 'dictionary') {
    fault(whole, 'the file holds a dictionary: { "types": [ … ] }, or { "name": { "cpu": …, "ram": …, "disk": … } }.');
    return [];
  }
  const types = whole.entries.find(({ key, value }) => key === 'types' && value.kind === 'list');
  if (types?.value.kind === 'list') {
    for (const other of whole.entries) if (other !== types) fault(other.place, `${shown(String(other.key))} is not known beside "types".`);
    if (types.value.items.length === 0) fault(types.value, 'there is no type in it.');
    return types.value.items.flatMap((item, index) => flavorOf(item, `type ${String(index + 1)}`, null, fault) ?? []);
  }
  if (whole.entries.length === 0) fault(whole, 'there is no type in it.');
  return whole.entries.flatMap(({ key, value }) => flavorOf(value, String(key), key, fault) ?? []);
}

/** `called`: how sentences call it; `key`: its name or number, where it stands under one. */
function flavorOf(literal: Literal, called: string, key: string | number | null, fault: Fault): Placed | null {
  if (literal.kind !== 'dictionary') {
    fault(literal, `${shown(called)} is ${kindOf(literal)} and must be a dictionary of ${fields}.`);
    return null;
  }
  const found = new Map<string, Entry>(literal.entries.map((entry) => [String(entry.key), entry]));
  for (const entry of literal.entries) if (!['cpu', 'ram', 'disk', 'name', 'tid'].includes(String(entry.key))) fault(entry.place, `${shown(called)} has the field ${shown(String(entry.key))}, which is not known: ${fields}.`);
  const cpu = measureOf('cpu', found, literal, called, fault);
  const ram = measureOf('ram', found, literal, called, fault);
  const disk = measureOf('disk', found, literal, called, fault);
  const tid = tidOf(found.get('tid')?.value, key, called, fault);
  const name = nameOf(found.get('name')?.value, key, tid, literal, called, fault);
  if (cpu === null || ram === null || disk === null || name === null) return null;
  return { name, vcpus: cpu, ramMiB: ram, diskMiB: disk * MiBOfGiB, tid, place: { line: literal.line, column: literal.column } };
}

function measureOf(field: keyof typeof measures, found: ReadonlyMap<string, Entry>, flavor: Literal, called: string, fault: Fault): number | null {
  const value = found.get(field)?.value;
  const { min, max, unit } = measures[field];
  const limits = `${String(min)} to ${String(max)} ${unit}`;
  if (value === undefined) fault(flavor, `${shown(called)} has no ${field}: ${limits}.`);
  else if (value.kind !== 'number' || !Number.isInteger(value.value)) fault(value, `${field} of ${shown(called)} is ${kindOf(value)} and must be a whole number, ${limits}.`);
  else if (value.value < min || value.value > max) fault(value, `${field} of ${shown(called)} is ${value.written}: ${limits}.`);
  else return value.value;
  return null;
}

function tidOf(value: Literal | undefined, key: string | number | null, called: string, fault: Fault): number | null {
  if (value === undefined) return typeof key === 'number' && Number.isSafeInteger(key) && key > 0 ? key : null;
  if (value.kind === 'number' && Number.isSafeInteger(value.value) && value.value > 0) return value.value;
  fault(value, `tid of ${shown(called)} is ${kindOf(value)} and must be a whole number from 1.`);
  return null;
}

function nameOf(value: Literal | undefined, key: string | number | null, tid: number | null, flavor: Literal, called: string, fault: Fault): string | null {
  if (value !== undefined && value.kind !== 'text') {
    fault(value, `name of ${shown(called)} is ${kindOf(value)} and must be a text in quotes.`);
    return null;
  }
  const said = value?.value ?? (typeof key === 'string' ? key : tid === null ? called : `type ${String(tid)}`);
  const checked = displayNameSchema.safeParse(said);
  if (checked.success) return checked.data;
  fault(value ?? flavor, `the name ${shown(said)} ${checked.error.issues.map(sayFault).join('; ')}.`);
  return null;
}

/** Two of one name, or one number, could not be told apart. */
function namedOnce(flavors: readonly Placed[], fault: Fault): readonly Placed[] {
  const names = new Map<string, Placed>();
  const tids = new Map<number, Placed>();
  for (const flavor of flavors) {
    const sameTid = flavor.tid === null ? undefined : tids.get(flavor.tid);
    const sameName = names.get(flavor.name);
    if (sameTid !== undefined) fault(flavor.place, `tid ${String(flavor.tid)} is given on line ${String(sameTid.place.line)} already.`);
    else if (sameName !== undefined) fault(flavor.place, `the name ${shown(flavor.name)} is given on line ${String(sameName.place.line)} already.`);
    names.set(flavor.name, flavor);
    if (flavor.tid !== null) tids.set(flavor.tid, flavor);
  }
  return flavors;
}

function kindOf(literal: Literal): string {
  switch (literal.kind) {
    case 'dictionary':
      return 'a dictionary';
    case 'list':
      return 'a list';
    case 'text':
      return `the text ${shown(literal.value)}`;
    case 'number':
      return literal.written.slice(0, 40);
    case 'truth':
      return literal.value ? 'True' : 'False';
    case 'nothing':
      return 'None';
  }
}
