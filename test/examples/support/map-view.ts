import { defaultLimits } from '../../../src/core/limits.js';
import { compareCodePoints } from '../../../src/core/names.js';
import type { EntriesOptions, PStateReader, PStateWriter } from '../../../src/core/pstate-access.js';
import { freezeValue, type Value } from '../../../src/core/values.js';

/** One view in a map, with the freezing and the order of the real one. */
export class MapView implements PStateReader, PStateWriter {
  readonly #values = new Map<string, Value>();

  get<Stored = Value>(key: string): Stored | undefined {
    return this.#values.get(key) as Stored | undefined;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    return keys.map((key) => this.get<Stored>(key));
  }

  *entries<Stored = Value>({ prefix = '' }: EntriesOptions = {}): IterableIterator<[string, Stored]> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort(compareCodePoints);
    for (const key of keys) yield [key, this.#values.get(key) as Stored];
  }

  get size(): number {
    return this.#values.size;
  }

  get record(): Record<string, Value | undefined> {
    throw new Error('this view has no record access');
  }

  put(key: string, value: unknown): void {
    this.#values.set(key, freezeValue(value, 'value', defaultLimits));
  }

  putMany(entries: Iterable<readonly [string, unknown]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored {
    this.put(key, change(this.get<Stored>(key)));
    return this.get<Stored>(key) as Stored;
  }

  delete(key: string): boolean {
    return this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }

  toJson(): Value {
    return [...this.entries()];
  }
}
