/**
 * The test's end of the shim between a program and its disk (`disk-shim.c`): builds it, starts programs under it, and gives
 * it orders while they run.
 *
 * It needs Linux and a C compiler. Where there is none, rows that stand on it are skipped and say so.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceFile } from '../places.js';

/** What can fail. */
export const operations = {
  open: 1,
  write: 2,
  sync: 4,
  truncate: 8,
  unlink: 16,
  rename: 32,
  read: 64,
} as const;

/** The errors of a disk, as Linux numbers them. */
export const errorNumbers = { EIO: 5, ENOSPC: 28 } as const;

/** Which operations are to fail, and how. */
export interface DiskFault {
  readonly operations: readonly (keyof typeof operations)[];
  readonly error: keyof typeof errorNumbers;
  /** Ends of the names of the files that fail. Default: all. */
  readonly files?: readonly string[];
  /** How many of them go well first, and how many fail then. Default: 0, all. */
  readonly first?: number;
  readonly count?: number;
  /** A write that fails writes half of its bytes first. */
  readonly isShort?: boolean;
}

/** Where the fields of `struct control` lie. */
const places = {
  operations: 4,
  killBefore: 8,
  kinds: 12,
  error: 16,
  first: 20,
  count: 24,
  isShort: 28,
  matched: 32,
  failed: 36,
  files: 64,
} as const;
const controlBytes = 512;
const filesBytes = controlBytes - places.files;

let built: string | undefined;

/** The library, built when it is first asked for; undefined where it cannot be. */
export function shimLibrary(): string | undefined {
  if (built === undefined) built = build() ?? '';
  return built === '' ? undefined : built;
}

function build(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const library = join(mkdtempSync(join(tmpdir(), 'ramax-disk-shim-')), 'disk-shim.so');
  const flags = [
    '-O2',
    '-shared',
    '-fPIC',
    '-o',
    library,
    sourceFile('shim/disk-shim.c'),
    '-ldl',
    '-lpthread',
  ];
  try {
    execFileSync(process.env['CC'] ?? 'cc', flags, { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return existsSync(library) ? library : undefined;
}

/** The orders of one program. The file outlives it: what was counted can be read afterwards. */
export class DiskControl {
  readonly file: string;
  readonly #fd: number;

  /** @param file is made when `isNew`; else it is one that a program was started with */
  constructor(file: string, isNew: boolean) {
    this.file = file;
    if (isNew) writeFileSync(file, Buffer.alloc(controlBytes));
    this.#fd = openSync(file, 'r+');
  }

  /** Operations that change files, since the program has started. */
  get operations(): number {
    return this.#get(places.operations);
  }

  /** Operations that were made to fail since the last order. */
  get failed(): number {
    return this.#get(places.failed);
  }

  /** The process is killed before its n-th operation. */
  killBefore(n: number): void {
    this.#set(places.killBefore, n);
  }

  fail({ operations: which, error, files = [], first = 0, count = 0, isShort = false }: DiskFault): void {
    this.lift();
    const names = Buffer.alloc(filesBytes);
    if (names.write(files.join('|')) >= filesBytes - 1) throw new RangeError('too many files');
    writeSync(this.#fd, names, 0, filesBytes, places.files);
    this.#set(places.error, errorNumbers[error]);
    this.#set(places.first, first);
    this.#set(places.count, count);
    this.#set(places.isShort, isShort ? 1 : 0);
    this.#set(places.matched, 0);
    this.#set(places.failed, 0);
    this.#set(
      places.kinds,
      which.reduce((sum, name) => sum + operations[name], 0),
    );
  }

  /** Nothing fails any more. */
  lift(): void {
    this.#set(places.kinds, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #get(place: number): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#fd, bytes, 0, 4, place);
    return bytes.readUInt32LE();
  }

  #set(place: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#fd, bytes, 0, 4, place);
  }
}

/** What a program needs in its environment to run over the shim. */
export interface ShimEnvironment {
  readonly library: string;
  readonly directory: string;
  readonly control: DiskControl;
  /** Where its operations are written down, and the file whose writes are put among them. */
  readonly record?: { readonly file: string; readonly marks: string };
}

export function shimEnvironment({
  library,
  directory,
  control,
  record,
}: ShimEnvironment): Record<string, string> {
  return {
    LD_PRELOAD: library,
    DISK_SHIM_ROOT: directory,
    DISK_SHIM_CONTROL: control.file,
    // Operations that the kernel is given in rings would pass the shim by.
    UV_USE_IO_URING: '0',
    ...(record === undefined ? {} : { DISK_SHIM_RECORD: record.file, DISK_SHIM_MARKS: record.marks }),
  };
}

/** What a row says that cannot run here; the number of trials that were not made is in it. */
export function skipped(trials: number): { readonly notes: readonly string[] } {
  return { notes: [`SKIPPED ${trials} trials: no Linux, or no C compiler for the shim`] };
}
