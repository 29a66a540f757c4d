/** The facts of the machine without which figures mean nothing, the price of one sync among them. */

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fileSystemType } from './file-system.js';
import { spreadOf } from './spread.js';

/** What is known of the machine. */
export interface MachineFacts {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  /** Undefined where the system does not tell. */
  readonly fileSystem: string | undefined;
  /** Median time to overwrite 4 KiB and `fsync` them: a synced command that is alone in flight waits at least as long. */
  readonly syncMicros: number;
  /** Runnable threads of the last minute, before the first trial. */
  readonly loadAverage: number;
}

/** The facts, for data in `directory`. */
export async function machineFacts(directory: string): Promise<MachineFacts> {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    sqlite: sqliteVersion(),
    fileSystem: await fileSystemOf(directory),
    syncMicros: measureSync(join(directory, 'sync-probe')),
    loadAverage: loadavg()[0] ?? 0,
  };
}

function sqliteVersion(): string {
  const connection = new Database(':memory:');
  const version = connection.prepare<[], string>('SELECT sqlite_version()').pluck().get();
  connection.close();
  return version ?? 'unknown';
}

async function fileSystemOf(directory: string): Promise<string | undefined> {
  try {
    return fileSystemType(await realpath(directory), await readFile('/proc/self/mountinfo', 'utf8'));
  } catch {
    // Only Linux has this file.
    return undefined;
  }
}

const syncs = 50;
const pageBytes = 4_096;

function measureSync(file: string): number {
  const page = Buffer.alloc(pageBytes, 1);
  const descriptor = openSync(file, 'w');
  try {
    const micros = Array.from({ length: syncs }, () => {
      const startMs = performance.now();
      writeSync(descriptor, page, 0, pageBytes, 0);
      fsyncSync(descriptor);
      return (performance.now() - startMs) * 1_000;
    });
    return Math.round(spreadOf(micros).median);
  } finally {
    closeSync(descriptor);
  }
}
