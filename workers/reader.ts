/** A reader's thread: one bounded read of the log per task, over a connection that is kept. */

import { type PackedAnswer, packedValues } from '../src/codec/packed-frames.js';
import { assert } from '../src/core/assert.js';
import { asRamaxError } from '../src/core/errors.js';
import type { LogReader } from '../src/event-store/port.js';
import { loadAdapter } from '../src/platform/load-module.js';
import type { ReaderTask } from '../src/platform/reader-task.js';
import type { StorageRef } from '../src/storage/adapter.js';

const readers = new Map<string, Promise<LogReader>>();

/** Runs one read. */
export default async function runRead({ storage, read, parameters }: ReaderTask): Promise<PackedAnswer> {
  try {
    const reader = await readerOf(storage);
    const method = reader[read] as (...parameters: readonly unknown[]) => Promise<unknown>;
    return packedValues.packResult(await method.apply(reader, [...parameters]));
  } catch (error) {
    return { error: asRamaxError(error, 'storage', 'the log cannot be read').toData() };
  }
}

function readerOf(storage: StorageRef): Promise<LogReader> {
  const key = JSON.stringify(storage);
  const known = readers.get(key);
  if (known !== undefined) return known;
  const open = openReader(storage);
  readers.set(key, open);
  // One that does not open is not kept: the next task tries again.
  open.catch(() => readers.delete(key));
  return open;
}

async function openReader(storage: StorageRef): Promise<LogReader> {
  const adapter = await loadAdapter(storage);
  const reader = await adapter.openLogReader(storage);
  assert(reader !== undefined, 'reader threads are used only where the log can be read beside its writer');
  return reader;
}
