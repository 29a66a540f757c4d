/**
 * The faces of a state that app code is given: without the machine room of `PState`, and frozen. The owner of the
 * state can stop them (`face-gate.ts`).
 */

import type {
  EntriesOptions,
  PStateAccess,
  PStateReader,
  PStateWriter,
  ResolveOptions,
} from '../core/pstate-access.js';
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

/** The state behind a face, when its gate is open: for this file alone, as app code must not reach it. */
let stateOf: (face: Face) => FacedState;

/** What both faces have. */
class Face implements PStateAccess {
  readonly #state: FacedState;
  readonly #gate: FaceGate;

  static {
    stateOf = (face) => {
      face.#gate.pass();
      return face.#state;
    };
  }

  constructor(state: FacedState, gate: FaceGate) {
    this.#state = state;
    this.#gate = gate;
  }

  get<Stored = Value>(key: string): Stored | undefined {
    return stateOf(this).get<Stored>(key);
  }

  has(key: string): boolean {
    return stateOf(this).has(key);
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    return stateOf(this).getMany<Stored>(keys);
  }

  getResolved<Resolved = Value>(key: string, options?: ResolveOptions): Resolved | undefined {
    return stateOf(this).getResolved<Resolved>(key, options);
  }

  preload(key: string, paths: PreloadPaths): number {
    return stateOf(this).preload(key, paths);
  }

  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]> {
    return stateOf(this).entries<Stored>(options);
  }

  get size(): number {
    return stateOf(this).size;
  }
}

/** What commands and queries get. */
export class ReaderFacade extends Face implements PStateReader {
  #record: Readonly<Record<string, Value | undefined>> | undefined;

  constructor(state: FacedState, gate: FaceGate) {
    super(state, gate);
    Object.freeze(this);
  }

  get record(): Readonly<Record<string, Value | undefined>> {
    this.#record ??= readonlyRecord(this);
    return this.#record;
  }
}

/** What projections get. */
export class WriterFacade extends Face implements FacedState {
  #record: Record<string, unknown> | undefined;

  constructor(state: FacedState, gate: FaceGate) {
    super(state, gate);
    Object.freeze(this);
  }

  get record(): Record<string, unknown> {
    this.#record ??= writableRecord(this);
    return this.#record;
  }

  put(key: string, value: unknown): void {
    stateOf(this).put(key, value);
  }

  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void {
    stateOf(this).putMany(entries);
  }

  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored {
    return stateOf(this).update<Stored>(key, change);
  }

  delete(key: string): boolean {
    return stateOf(this).delete(key);
  }

  clear(): void {
    stateOf(this).clear();
  }

  link(parentKey: string, field: string, childKey: string): void {
    stateOf(this).link(parentKey, field, childKey);
  }

  unlink(parentKey: string, field: string, childKey: string): boolean {
    return stateOf(this).unlink(parentKey, field, childKey);
  }
}

// Instances are frozen; an app that patched a prototype would reach every space of its shard.
for (const face of [Face, ReaderFacade, WriterFacade]) Object.freeze(face.prototype);
