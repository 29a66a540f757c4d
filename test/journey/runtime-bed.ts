/**
 * A bed for journeys: runtimes on real threads, through the package's own name, each on storage of its own. Whatever
 * a test leaves running is closed after it, and its directory removed.
 */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, Ramax, type RamaxError, type RamaxOptions } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { Gate } from './gate.js';

/** A fixture's URL. */
export function fixture(name: string): URL {
  return new URL(`../fixtures/${name}`, import.meta.url);
}

/** What a journey says of the runtime that it wants; two shards of the items app on SQLite unless it says otherwise. */
export type BedOptions = Partial<RamaxOptions>;

/** See the head of this file. */
export class RuntimeBed {
  readonly #running = new Set<{ close(): Promise<void> }>();
  readonly #directories: string[] = [];

  /** A new empty directory. */
  async directory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'ramax-journey-'));
    this.#directories.push(directory);
    return directory;
  }

  /** A gate of its own. */
  async gate(): Promise<Gate> {
    return new Gate(join(await this.directory(), 'gate'));
  }

  /** Starts a runtime. */
  async start<A extends App = ItemsApp>(options: BedOptions = {}): Promise<Ramax<A>> {
    const ramax = await Ramax.start<A>({
      app: fixture('items.app.mjs'),
      storage: options.storage ?? sqlite({ directory: await this.directory() }),
      shards: 2,
      ...options,
    });
    this.#running.add(ramax);
    return ramax;
  }

  /** Closes what runs and removes what it wrote. */
  async clear(): Promise<void> {
    await Promise.all([...this.#running].map((ramax) => ramax.close()));
    this.#running.clear();
    await Promise.all(this.#directories.map((path) => rm(path, { recursive: true, force: true })));
  }
}

/** Resolves with the error that `promise` rejects with, and fails when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<RamaxError> {
  const outcome = await promise.then(
    (value: unknown) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return outcome.error as RamaxError;
  throw new Error(`expected an error, got ${JSON.stringify(outcome.value)}`);
}

/** The code of the error that `promise` rejects with, or `ok` when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: { readonly code?: unknown }) => String(error.code ?? error),
  );
}

/** Whether `promise` has settled, told at any time. */
export function watch(promise: Promise<unknown>): { readonly settled: boolean } {
  const state = { settled: false };
  const settle = () => {
    state.settled = true;
  };
  promise.then(settle, settle);
  return state;
}

/** Everything that an async iterable gives. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

/** The integers `first … first + count - 1`. */
export function range(count: number, first = 1): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** The log's file. */
export function logFile(directory: string): string {
  return join(directory, 'ramax.db');
}

/** The projections' files that exist. */
export function partitionFiles(directory: string): string[] {
  return range(16, 0)
    .map((partition) => join(directory, `pstate-${String(partition).padStart(2, '0')}.db`))
    .filter((file) => existsSync(file));
}
