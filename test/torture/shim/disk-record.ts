/** Reads what `disk-shim.c` has written down: the operations of a run in their order, with the ledger's lines among them. */

import { readFileSync } from 'node:fs';
import type { LedgerLine } from '../ledger.js';

/** One operation that changes what is on the disk. */
export type DiskOperation =
  | { readonly kind: 'made'; readonly path: string; readonly file: FileOnDisk }
  | { readonly kind: 'write'; readonly file: FileOnDisk; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly file: FileOnDisk; readonly size: number }
  | { readonly kind: 'sync'; readonly file: FileOnDisk }
  | { readonly kind: 'syncDirectory' }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string };

/** A file, whatever it is called: an inode. */
export class FileOnDisk {
  readonly madeAs: string;

  constructor(madeAs: string) {
    this.madeAs = madeAs;
  }
}

/** A run as it was recorded. */
export interface DiskRecord {
  readonly operations: readonly DiskOperation[];
  readonly lines: readonly LedgerLine[];
  /** For each line of the ledger, how many operations came before it. */
  readonly linesAt: readonly number[];
}

const headerBytes = 32;
const kinds = { write: 2, sync: 4, truncate: 8, unlink: 16, rename: 32, path: 128, mark: 256 } as const;

/** Reads a record; its last entry may be cut short. */
export function readDiskRecord(recordFile: string): DiskRecord {
  const bytes = readFileSync(recordFile);
  const operations: DiskOperation[] = [];
  const lines: LedgerLine[] = [];
  const linesAt: number[] = [];
  /** By name, and by the number of an opening. */
  const named = new Map<string, FileOnDisk>();
  const opened = new Map<number, FileOnDisk | 'directory'>();
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const kind = bytes.readUInt32LE(at);
    const number = bytes.readUInt32LE(at + 4);
    const offset = bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * 2 ** 32;
    const size = bytes.readUInt32LE(at + 16);
    const wasThere = bytes.readUInt32LE(at + 24) === 1;
    const data = bytes.subarray(at + headerBytes, at + headerBytes + size);
    at += headerBytes + size;
    if (kind === kinds.mark) {
      for (const text of data.toString('utf8').split('\n')) {
        if (text === '') continue;
        lines.push(JSON.parse(text) as LedgerLine);
        linesAt.push(operations.length);
      }
      continue;
    }
    if (kind === kinds.path) {
      const path = data.toString('utf8').replace(/^\//, '');
      if (path === '') opened.set(number, 'directory');
      else {
        const known = wasThere ? named.get(path) : undefined;
        const file = known ?? new FileOnDisk(path);
        opened.set(number, file);
        named.set(path, file);
        if (known === undefined) operations.push({ kind: 'made', path, file });
        else if (offset === 1) operations.push({ kind: 'truncate', file, size: 0 });
      }
      continue;
    }
    if (kind === kinds.unlink) {
      const path = data.toString('utf8').slice(1);
      named.delete(path);
      operations.push({ kind: 'unlink', path });
      continue;
    }
    if (kind === kinds.rename) {
      const [from = '', to = ''] = data
        .toString('utf8')
        .split('\0')
        .map((path) => path.slice(1));
      const file = named.get(from);
      named.delete(from);
      if (file !== undefined) named.set(to, file);
      operations.push({ kind: 'rename', from, to });
      continue;
    }
    const file = opened.get(number);
    if (file === 'directory') operations.push({ kind: 'syncDirectory' });
    else if (file === undefined) throw new Error(`the record names file ${number}, which nobody has opened`);
    else if (kind === kinds.write) operations.push({ kind: 'write', file, offset, data });
    else if (kind === kinds.truncate) operations.push({ kind: 'truncate', file, size: offset });
    else if (kind === kinds.sync) operations.push({ kind: 'sync', file });
  }
  return { operations, lines, linesAt };
}
