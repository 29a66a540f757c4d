/**
 * The faces of a state that app code is given: without the machine room of `PState`, and frozen.
 */

import type { EntriesOptions, PStateReader, PStateWriter } from '../core/pstate-access.js';
import type { Value } from '../core/values.js';
import { readonlyRecord } from './record-proxy.js';

/** What commands and queries get. */
export class ReaderFacade implements PStateReader {
  readonly #state: PStateWriter;
  #record: Readonly<Record<string, Value | undefined>> | undefined;

  constructor(state: PStateWriter) {
    this.#state = state;
    Object.freeze(this);
  }

  get<Stored = Value>(key: string): Stored | undefined {
    return this.#state.get<Stored>(key);
  }

  has(key: string): boolean {
    return this.#state.has(key);
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    return this.#state.getMany<Stored>(keys);
  }

  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]> {
    return this.#state.entries<Stored>(options);
  }

  get size(): number {
    return this.#state.size;
  }

  get record(): Readonly<Record<string, Value | undefined>> {
    this.#record ??= readonlyRecord(this.#state);
    return this.#record;
  }
}

/** What projections get. */
export class WriterFacade implements PStateWriter {
  readonly #state: PStateWriter;

  constructor(state: PStateWriter) {
    this.#state = state;
    Object.freeze(this);
  }

  get<Stored = Value>(key: string): Stored | undefined {
    return this.#state.get<Stored>(key);
  }

  has(key: string): boolean {
    return this.#state.has(key);
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    return this.#state.getMany<Stored>(keys);
  }

  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]> {
    return this.#state.entries<Stored>(options);
  }

  get size(): number {
    return this.#state.size;
  }

  get record(): Record<string, unknown> {
    return this.#state.record;
  }

  put(key: string, value: unknown): void {
    this.#state.put(key, value);
  }

  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void {
    this.#state.putMany(entries);
  }

  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored {
    return this.#state.update<Stored>(key, change);
  }

  delete(key: string): boolean {
    return this.#state.delete(key);
  }

  clear(): void {
    this.#state.clear();
  }
}

// Instances are frozen; an app that patched a prototype would reach every space of its shard.
Object.freeze(ReaderFacade.prototype);
Object.freeze(WriterFacade.prototype);
