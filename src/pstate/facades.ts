/**
 * The faces of a state that app code is given: without the machine room of `PState`, and frozen. The owner of the
 * state can stop them (`face-gate.ts`).
 */

import type { EntriesOptions, PStateReader, PStateWriter, ResolveOptions } from '../core/pstate-access.js';
import type { Value } from '../core/values.js';
import type { FaceGate } from './face-gate.js';
import type { PreloadPaths } from './preload.js';
import { readonlyRecord, writableRecord } from './record-proxy.js';

/** What the faces show of a state. */
export interface FacedState extends PStateWriter {
  getResolved<Resolved = Value>(key: string, options?: ResolveOptions): Resolved | undefined;
  preload(key: string, paths: PreloadPaths): number;
  link(parentKey: string, field: string, childKey: string): void;
  unlink(parentKey: string, field: string, childKey: string): boolean;
}

/** What commands and queries get. */
export class ReaderFacade implements PStateReader {
  readonly #state: FacedState;
  readonly #gate: FaceGate;
  #record: Readonly<Record<string, Value | undefined>> | undefined;

  constructor(state: FacedState, gate: FaceGate) {
    this.#state = state;
    this.#gate = gate;
    Object.freeze(this);
  }

  get<Stored = Value>(key: string): Stored | undefined {
    return this.#open().get<Stored>(key);
  }

  has(key: string): boolean {
    return this.#open().has(key);
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    return this.#open().getMany<Stored>(keys);
  }

  getResolved<Resolved = Value>(key: string, options?: ResolveOptions): Resolved | undefined {
    return this.#open().getResolved<Resolved>(key, options);
  }

  preload(key: string, paths: PreloadPaths): number {
    return this.#open().preload(key, paths);
  }

  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]> {
    return this.#open().entries<Stored>(options);
  }

  get size(): number {
    return this.#open().size;
  }

  get record(): Readonly<Record<string, Value | undefined>> {
    this.#record ??= readonlyRecord(this);
    return this.#record;
  }

  #open(): FacedState {
    this.#gate.pass();
    return this.#state;
  }
}

/** What projections get. */
export class WriterFacade implements FacedState {
  readonly #state: FacedState;
  readonly #gate: FaceGate;
  #record: Record<string, unknown> | undefined;

  constructor(state: FacedState, gate: FaceGate) {
    this.#state = state;
    this.#gate = gate;
    Object.freeze(this);
  }

  get<Stored = Value>(key: string): Stored | undefined {
    return this.#open().get<Stored>(key);
  }

  has(key: string): boolean {
    return this.#open().has(key);
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    return this.#open().getMany<Stored>(keys);
  }

  getResolved<Resolved = Value>(key: string, options?: ResolveOptions): Resolved | undefined {
    return this.#open().getResolved<Resolved>(key, options);
  }

  preload(key: string, paths: PreloadPaths): number {
    return this.#open().preload(key, paths);
  }

  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]> {
    return this.#open().entries<Stored>(options);
  }

  get size(): number {
    return this.#open().size;
  }

  get record(): Record<string, unknown> {
    this.#record ??= writableRecord(this);
    return this.#record;
  }

  put(key: string, value: unknown): void {
    this.#open().put(key, value);
  }

  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void {
    this.#open().putMany(entries);
  }

  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored {
    return this.#open().update<Stored>(key, change);
  }

  delete(key: string): boolean {
    return this.#open().delete(key);
  }

  clear(): void {
    this.#open().clear();
  }

  link(parentKey: string, field: string, childKey: string): void {
    this.#open().link(parentKey, field, childKey);
  }

  unlink(parentKey: string, field: string, childKey: string): boolean {
    return this.#open().unlink(parentKey, field, childKey);
  }

  #open(): FacedState {
    this.#gate.pass();
    return this.#state;
  }
}

// Instances are frozen; an app that patched a prototype would reach every space of its shard.
Object.freeze(ReaderFacade.prototype);
Object.freeze(WriterFacade.prototype);
