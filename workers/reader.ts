/** A reader's thread: one bounded read of the log per task, over a connection that is kept. */

import { packedValues } from '../src/codec/packed-frames.js';
import { assert } from '../src/core/assert.js';
import { asRamaxError } from '../src/core/errors.js';
import type { EventPage, LogReader, PageReader } from '../src/event-store/port.js';
import { loadAdapter } from '../src/platform/load-module.js';
import { nodePlatform } from '../src/platform/node-platform.js';
import type { ReaderAnswer, ReaderTask } from '../src/platform/reader-task.js';
import type { StorageRef } from '../src/storage/adapter.js';

const readers = new Map<string, Promise<LogReader>>();

/** Runs one read. Pages of events cross as they were written, everything else is packed. */
export default async function runRead({ storage, read, parameters }: ReaderTask): Promise<ReaderAnswer> {
  try {
    const reader = await readerOf(storage);
    const page =
      read === 'readAll' || read === 'readSpace' ? await pageOf(reader, read, parameters) : undefined;
    if (page !== undefined) return { page };
    return packedValues.packResult(await call(reader, read, parameters));
  } catch (error) {
    return { error: asRamaxError(error, 'storage', 'the log cannot be read').toData() };
  }
}

async function pageOf(
  { pages }: LogReader,
  read: keyof PageReader,
  parameters: readonly unknown[],
): Promise<EventPage | undefined> {
  return pages === undefined ? undefined : call<EventPage | undefined>(pages, read, parameters);
}

function call<Result>(
  target: LogReader | PageReader,
  read: ReaderTask['read'],
  parameters: readonly unknown[],
): Promise<Result> {
  const method: unknown = Reflect.get(target, read);
  assert(typeof method === 'function', 'a task names a read');
  return Reflect.apply(method, target, parameters) as Promise<Result>;
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
  const reader = await adapter.openLogReader(storage, nodePlatform);
  assert(reader !== undefined, 'reader threads are used only where the log can be read beside its writer');
  return reader;
}
