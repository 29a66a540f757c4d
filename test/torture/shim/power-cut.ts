/**
 * A disk as a power cut leaves it, made from the operations of a run up to a moment.
 *
 * What is sure: the content of a file as it was when its last sync began, and the names of a directory as of its last sync.
 * What came after a file's last sync may be there or not, sector by sector, in any order; the last writes are torn. Names
 * that were given, taken and changed after the directory's last sync are kept in their order up to some moment, or each by
 * itself. A disk that lies about a sync is not modelled.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SeededRandom } from '../../../src/testing/random.js';
import type { DiskOperation, FileOnDisk } from './disk-record.js';

const sectorBytes = 512;

type Change = Extract<DiskOperation, { kind: 'write' | 'truncate' }>;
type Naming = Extract<DiskOperation, { kind: 'made' | 'unlink' | 'rename' }>;

/** How what was not synced is lost. */
type Loss = 'all' | 'none' | 'suffix' | 'writes' | 'sectors';
const losses: readonly Loss[] = ['all', 'none', 'suffix', 'writes', 'sectors', 'sectors'];

interface Content {
  /** As of the last sync; longer than it is, so that it grows seldom. */
  bytes: Buffer;
  size: number;
  pending: Change[];
}

/** The disk during a run; moves forward only. */
export class DiskAtMoment {
  readonly #operations: readonly DiskOperation[];
  readonly #contents = new Map<FileOnDisk, Content>();
  readonly #names = new Map<string, FileOnDisk>();
  #namings: Naming[] = [];
  #at = 0;

  constructor(operations: readonly DiskOperation[]) {
    this.#operations = operations;
  }

  /** Goes on to the moment before operation `at`. */
  advance(at: number): void {
    for (; this.#at < at; this.#at++) {
      const operation = this.#operations[this.#at];
      if (operation !== undefined) this.#take(operation);
    }
  }

  /** Writes what a power cut at this moment leaves into an empty directory. Files that `isWanted` refuses are left out. */
  image(directory: string, random: SeededRandom, isWanted: (path: string) => boolean): void {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const [path, file] of this.#namesLeft(random)) {
      // Shared memory is made anew.
      if (path.endsWith('-shm') || !isWanted(path)) continue;
      const place = join(directory, path);
      if (dirname(path) !== '.') mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, leftOf(this.#contentOf(file), random));
    }
  }

  #take(operation: DiskOperation): void {
    switch (operation.kind) {
      case 'write':
      case 'truncate':
        this.#contentOf(operation.file).pending.push(operation);
        return;
      case 'sync': {
        const content = this.#contentOf(operation.file);
        for (const change of content.pending) apply(content, change);
        content.pending = [];
        return;
      }
      case 'syncDirectory':
        for (const naming of this.#namings) name(this.#names, naming);
        this.#namings = [];
        return;
      default:
        this.#namings.push(operation);
    }
  }

  #contentOf(file: FileOnDisk): Content {
    const known = this.#contents.get(file);
    if (known !== undefined) return known;
    const content: Content = { bytes: Buffer.alloc(0), size: 0, pending: [] };
    this.#contents.set(file, content);
    return content;
  }

  #namesLeft(random: SeededRandom): Map<string, FileOnDisk> {
    const names = new Map(this.#names);
    const isOrdered = random.oneIn(2);
    const kept = random.below(this.#namings.length + 1);
    this.#namings.forEach((naming, index) => {
      if (isOrdered ? index < kept : random.oneIn(2)) name(names, naming);
    });
    return names;
  }
}

function name(names: Map<string, FileOnDisk>, naming: Naming): void {
  if (naming.kind === 'made') names.set(naming.path, naming.file);
  else if (naming.kind === 'unlink') names.delete(naming.path);
  else {
    const file = names.get(naming.from);
    if (file === undefined) return;
    names.delete(naming.from);
    names.set(naming.to, file);
  }
}

function apply(content: Content, change: Change): void {
  if (change.kind === 'truncate') resize(content, change.size);
  else put(content, change.offset, change.data);
}

function put(content: Content, offset: number, data: Buffer): void {
  if (offset + data.length > content.size) resize(content, offset + data.length);
  data.copy(content.bytes, offset);
}

function resize(content: Content, size: number): void {
  if (size > content.bytes.length) {
    const larger = Buffer.alloc(Math.max(size, content.bytes.length * 2));
    content.bytes.copy(larger, 0, 0, content.size);
    content.bytes = larger;
  } else if (size < content.size) content.bytes.fill(0, size, content.size);
  content.size = size;
}

/** What is left of a file. */
function leftOf(content: Content, random: SeededRandom): Buffer {
  const { pending } = content;
  const left: Content = {
    bytes: Buffer.from(content.bytes.subarray(0, content.size)),
    size: content.size,
    pending: [],
  };
  const loss = random.pick(losses) ?? 'sectors';
  const keep = loss === 'none' ? pending.length : random.below(pending.length + 1);
  const chance = 1 + random.below(4);
  pending.forEach((change, index) => {
    if (loss === 'all' || (loss === 'suffix' && index > keep)) return;
    // The last write that got so far is torn.
    const isTorn = loss === 'suffix' && index === keep;
    if (loss === 'writes' && random.oneIn(chance + 1)) return;
    if (change.kind === 'truncate') {
      if (loss !== 'sectors' || random.oneIn(2)) apply(left, change);
    } else if (loss === 'sectors' || isTorn) putSome(left, change, random, isTorn);
    else apply(left, change);
  });
  return left.bytes.subarray(0, left.size);
}

/** Some sectors of a write: those before one, when it is torn, else each by itself. */
function putSome(
  content: Content,
  { offset, data }: Extract<Change, { kind: 'write' }>,
  random: SeededRandom,
  isTorn: boolean,
): void {
  const end = isTorn ? random.below(data.length + 1) : data.length;
  for (let from = 0; from < end; ) {
    const to = Math.min(end, from + sectorBytes - ((offset + from) % sectorBytes));
    if (isTorn || random.oneIn(2)) put(content, offset + from, data.subarray(from, to));
    from = to;
  }
}
