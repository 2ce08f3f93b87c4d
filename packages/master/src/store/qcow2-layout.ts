import { chunkCount, isZeroChunk, type Manifest } from '@paravcl/shared/chunks/manifest';

/**
 * A manifest as a qcow2 file of version 3 (QEMU, docs/interop/qcow2.txt), told piece by piece without anything being written: a cluster for each
 * chunk that has bytes, in their order, and before them the tables that say where they stand. Chunks of zeros have no cluster: without a backing
 * file they read as zeros. Each cluster is used once, so no count is other than 1. Of one manifest the file is always the same.
 *
 * In order: header, table of the second tables (L1), table of the blocks of counts, the blocks of counts, the second tables (L2), data.
 */
const headerBytes = 104;
/** The cluster is used once, and may be written in place. */
const copied = 1n << 63n;
const entryBytes = 8;
const countBytes = 2;
/** QEMU knows no larger ones. */
const mostClusterBytes = 2 * 1024 * 1024;

export class Qcow2Layout {
  readonly clusterBytes: number;
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** Clusters before the first one with data. */
  readonly tableClusters: number;
  /** Chunks with bytes before each second table. */
  private readonly before: readonly number[];
  /** Of each second table its place among those that are there; a table of zeros alone is not. */
  private readonly placeOfTable: readonly (number | null)[];
  private readonly entriesOfTable: number;
  private readonly firstClusters: { readonly l1: number; readonly countTable: number; readonly counts: number; readonly l2: number; readonly all: number };

  /** Throws a RangeError for chunks that no cluster can be. */
  constructor(private readonly manifest: Manifest) {
    const { chunkBytes } = manifest;
    if (!Number.isInteger(Math.log2(chunkBytes)) || chunkBytes > mostClusterBytes) throw new RangeError(`Chunks of ${chunkBytes} bytes are no clusters of a qcow2 image: these have a power of two up to 2 MiB.`);
    this.clusterBytes = chunkBytes;
    this.entriesOfTable = chunkBytes / entryBytes;
    const tables = Math.ceil(chunkCount(manifest) / this.entriesOfTable);
    const before = [0];
    const places: (number | null)[] = [];
    let present = 0;
    for (let table = 0; table < tables; table += 1) {
      const chunks = this.chunksWithBytes(table * this.entriesOfTable, (table + 1) * this.entriesOfTable);
      places.push(chunks === 0 ? null : present);
      if (chunks > 0) present += 1;
      before.push((before.at(-1) ?? 0) + chunks);
    }
    [this.before, this.placeOfTable] = [before, places];
    const l1Clusters = this.clustersFor(tables * entryBytes);
    const others = 1 + l1Clusters + present + (before.at(-1) ?? 0);
    const counts = countClusters(others, chunkBytes);
    const countTable = 1 + l1Clusters;
    const firstCounts = countTable + counts.table;
    const l2 = firstCounts + counts.blocks;
    this.tableClusters = l2 + present;
    this.firstClusters = { l1: 1, countTable, counts: firstCounts, l2, all: others + counts.table + counts.blocks };
    this.sizeBytes = this.firstClusters.all * chunkBytes;
  }

  /** A cluster before the data, by its number in the file. */
  tableCluster(number: number): Buffer {
    const { l1, countTable, counts, l2 } = this.firstClusters;
    if (number < l1) return this.header();
    if (number < countTable) return this.tableOf(number - l1, (table) => this.placeInFile(table));
    if (number < counts) return this.tableOf(number - countTable, (block) => (counts + block < l2 ? BigInt(counts + block) * BigInt(this.clusterBytes) : 0n));
    if (number < l2) return this.countBlock(number - counts);
    return this.secondTable(this.placeOfTable.indexOf(number - l2));
  }

  /** The chunks whose bytes the clusters behind the tables hold, from the one with this place among them on. */
  *dataChunks(place: number): Generator<number> {
    const table = Math.max(0, this.before.findIndex((before) => before > place) - 1);
    let skip = place - (this.before[table] ?? 0);
    for (let index = table * this.entriesOfTable; index < chunkCount(this.manifest); index += 1) {
      if (isZeroChunk(this.manifest, index)) continue;
      if (skip === 0) yield index;
      else skip -= 1;
    }
  }

  private header(): Buffer {
    const { l1, countTable, counts } = this.firstClusters;
    const header = Buffer.alloc(this.clusterBytes);
    header.write('QFI\xfb', 0, 'latin1');
    header.writeUInt32BE(3, 4);
    header.writeUInt32BE(Math.log2(this.clusterBytes), 20);
    header.writeBigUInt64BE(BigInt(this.manifest.sizeBytes), 24);
    header.writeUInt32BE(this.placeOfTable.length, 36);
    header.writeBigUInt64BE(BigInt(l1 * this.clusterBytes), 40);
    header.writeBigUInt64BE(BigInt(countTable * this.clusterBytes), 48);
    header.writeUInt32BE(counts - countTable, 56);
    // Counts of 2^4 bits.
    header.writeUInt32BE(4, 96);
    header.writeUInt32BE(headerBytes, 100);
    return header;
  }

  private tableOf(number: number, entry: (index: number) => bigint): Buffer {
    const table = Buffer.alloc(this.clusterBytes);
    for (let at = 0; at < this.entriesOfTable; at += 1) table.writeBigUInt64BE(entry(number * this.entriesOfTable + at), at * entryBytes);
    return table;
  }

  private placeInFile(table: number): bigint {
    const place = this.placeOfTable[table] ?? null;
    return place === null ? 0n : copied | (BigInt(this.firstClusters.l2 + place) * BigInt(this.clusterBytes));
  }

  private countBlock(number: number): Buffer {
    const block = Buffer.alloc(this.clusterBytes);
    const clusters = this.clusterBytes / countBytes;
    const used = Math.min(clusters, this.firstClusters.all - number * clusters);
    for (let at = 0; at < used; at += 1) block.writeUInt16BE(1, at * countBytes);
    return block;
  }

  private secondTable(table: number): Buffer {
    let cluster = this.tableClusters + (this.before[table] ?? 0);
    return this.tableOf(table, (index) => {
      if (index >= chunkCount(this.manifest) || isZeroChunk(this.manifest, index)) return 0n;
      cluster += 1;
      return copied | (BigInt(cluster - 1) * BigInt(this.clusterBytes));
    });
  }

  private chunksWithBytes(from: number, to: number): number {
    let found = 0;
    for (let index = from; index < Math.min(to, chunkCount(this.manifest)); index += 1) if (!isZeroChunk(this.manifest, index)) found += 1;
    return found;
  }

  private clustersFor(bytes: number): number {
    return Math.ceil(bytes / this.clusterBytes);
  }
}

/** Clusters of the counts and of their table for so many others; they count themselves too. */
function countClusters(others: number, clusterBytes: number): { readonly table: number; readonly blocks: number } {
  let [table, blocks] = [1, 1];
  for (;;) {
    const wantedBlocks = Math.ceil((others + table + blocks) / (clusterBytes / countBytes));
    const wantedTable = Math.ceil((wantedBlocks * entryBytes) / clusterBytes);
    if (wantedBlocks === blocks && wantedTable === table) return { table, blocks };
    [table, blocks] = [wantedTable, wantedBlocks];
  }
}
