/**
 * `ramax.witness` on disk: read when a log is opened, and written by the log's store. `witness-record.ts` says what is in it.
 *
 * Invariants:
 *   - Writes go to one slot until it is synced, and then to the other: one slot is always as it was synced, or both are.
 *   - A file is made under another name, synced, and then renamed; its name is synced, too. So it is whole or not there.
 *   - A sync that failed may have dropped what it should have written, and the next one would not say so: after any error
 *     the file is given up, and another one made in its place.
 */

import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../../sqlite/directory-sync.js';
import {
  decodeRecord,
  encodeRecord,
  recordBytes,
  type SlotContent,
  slotOffsets,
  type WitnessRecord,
  witnessBytes,
} from './witness-record.js';

/** The witness of the log in `logFile`. */
export function witnessFileOf(logFile: string): string {
  return logFile.replace(/\.db$/, '').concat('.witness');
}

/** What was found in place of a witness. */
export type FoundWitness =
  | { readonly kind: 'missing' }
  /** Neither slot is whole. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'found'; readonly record: WitnessRecord };

/**
 * Reads a witness; where both slots are whole, the newer one.
 *
 * @throws an error of the file system, but not that the file is missing
 */
export function readWitness(file: string): FoundWitness {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing' };
    throw error;
  }
  const newest = newestSlot(bytes);
  return newest === undefined ? { kind: 'damaged' } : { kind: 'found', record: newest.record };
}

/** An open witness, as `Witness` uses it. Every method may throw; the file is then to be closed and made again. */
export interface WitnessFile {
  /** Writes a record; it is not synced. Not while a sync is under way. */
  write(record: WitnessRecord): void;
  /** Syncs what was written. */
  sync(): Promise<void>;
  /** The same in this thread, for the end. */
  syncNow(): void;
  /** Whether the file is still the one that its name leads to. */
  isInPlace(): boolean;
  close(): void;
}

/** How a witness is opened, and how it is made. */
export interface WitnessFiles {
  /** Opens the file that is there. */
  open(file: string): WitnessFile;
  /** Makes a file with this record, in place of whatever is there. It is durable when this returns. */
  make(file: string, record: WitnessRecord): WitnessFile;
}

/** The witness on disk. */
export const diskWitnessFiles: WitnessFiles = {
  open(file) {
    const newest = newestSlot(readFileSync(file));
    const descriptor = openSync(file, 'r+');
    try {
      // What a process that was killed has written is not synced yet, and from here on we write to the other slot.
      fdatasyncSync(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    return new DiskWitnessFile(file, descriptor, newest?.slot === 0 ? 1 : 0, newest?.sequence ?? 0);
  },

  make(file, record) {
    const draft = `${file}.tmp`;
    const descriptor = openSync(draft, 'w+');
    try {
      const bytes = Buffer.alloc(witnessBytes);
      encodeRecord(bytes.subarray(slotOffsets[0], slotOffsets[0] + recordBytes), record, 1);
      writeWhole(descriptor, bytes, 0);
      fsyncSync(descriptor);
      renameSync(draft, file);
      syncDirectory(dirname(file));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    return new DiskWitnessFile(file, descriptor, 1, 1);
  },
};

class DiskWitnessFile implements WitnessFile {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(recordBytes);
  /** The slot that is written to. */
  #slot: 0 | 1;
  #sequence: number;

  constructor(file: string, descriptor: number, slot: 0 | 1, sequence: number) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#slot = slot;
    this.#sequence = sequence;
  }

  write(record: WitnessRecord): void {
    this.#sequence += 1;
    encodeRecord(this.#bytes, record, this.#sequence);
    writeWhole(this.#descriptor, this.#bytes, slotOffsets[this.#slot]);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => {
        if (error !== null) return reject(error);
        this.#turn();
        resolve();
      });
    });
  }

  syncNow(): void {
    fdatasyncSync(this.#descriptor);
    this.#turn();
  }

  isInPlace(): boolean {
    const named = statSync(this.#file, { throwIfNoEntry: false });
    const open = fstatSync(this.#descriptor);
    return named !== undefined && named.ino === open.ino && named.dev === open.dev;
  }

  close(): void {
    // In another thread, and without an answer: there is nothing to do about its failure.
    close(this.#descriptor, () => {});
  }

  #turn(): void {
    this.#slot = this.#slot === 0 ? 1 : 0;
  }
}

function newestSlot(bytes: Buffer): (SlotContent & { readonly slot: 0 | 1 }) | undefined {
  const [first, second] = slotOffsets.map((offset) =>
    decodeRecord(bytes.subarray(offset, offset + recordBytes)),
  );
  if (second !== undefined && (first === undefined || second.sequence > first.sequence)) {
    return { ...second, slot: 1 };
  }
  return first === undefined ? undefined : { ...first, slot: 0 };
}

/** A disk that is full may take a part. */
function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  const written = writeSync(descriptor, bytes, 0, bytes.length, position);
  if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
}
