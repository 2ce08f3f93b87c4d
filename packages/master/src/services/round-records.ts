import type { InstanceRecord } from '../core/instance-record';
import { lazily } from '../core/lazily';

/** Those who wait and those who hold cores, by id. Most of those who are asked for wait; the others, who are many, are put together when one of them is. */
export class RoundRecords implements ReadonlyMap<string, InstanceRecord> {
  private readonly queue: ReadonlyMap<string, InstanceRecord>;
  private readonly all: () => ReadonlyMap<string, InstanceRecord>;

  constructor(queue: readonly InstanceRecord[], world: { readonly active: ReadonlyMap<string, InstanceRecord> }) {
    this.queue = new Map(queue.map((record) => [record.id, record]));
    this.all = lazily(() => new Map([...world.active, ...this.queue]));
  }

  get(id: string): InstanceRecord | undefined {
    return this.queue.get(id) ?? this.all().get(id);
  }
  has(id: string): boolean {
    return this.get(id) !== undefined;
  }
  get size(): number {
    return this.all().size;
  }
  forEach(each: (record: InstanceRecord, id: string, map: ReadonlyMap<string, InstanceRecord>) => void): void {
    this.all().forEach(each);
  }
  entries(): MapIterator<[string, InstanceRecord]> {
    return this.all().entries();
  }
  keys(): MapIterator<string> {
    return this.all().keys();
  }
  values(): MapIterator<InstanceRecord> {
    return this.all().values();
  }
  [Symbol.iterator](): MapIterator<[string, InstanceRecord]> {
    return this.all()[Symbol.iterator]();
  }
}
