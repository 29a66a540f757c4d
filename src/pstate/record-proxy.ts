/**
 * The seed's access protocol: `pstate.record['user:1']` reads, writes and deletes as if the state were an object.
 *
 * Every name is a key of the state, also `constructor` or `toString`: the record inherits nothing. Symbols are no
 * keys and never reach the state. Nor does `__proto__`, which the language takes for something else in too many
 * places; use `get` and `put` for a key of that name.
 */

import { invalidInput } from '../core/errors.js';
import type { PStateReader, PStateWriter } from '../core/pstate-access.js';
import type { Value } from '../core/values.js';

/** What both records read from. */
type Readable = Pick<PStateReader, 'get' | 'has' | 'entries'>;

/** A record that reads and writes `state`. */
export function writableRecord(state: PStateWriter): Record<string, unknown> {
  return recordOver({
    ...readTraps(state, true),
    set(_target, key, value) {
      if (!isKey(key)) throw invalidInput('key', 'a string other than __proto__', key);
      state.put(key, value);
      return true;
    },
    deleteProperty(_target, key) {
      if (isKey(key)) state.delete(key);
      return true;
    },
  });
}

/** A record that reads `state`; writing to it throws a TypeError in strict mode. */
export function readonlyRecord(state: Readable): Readonly<Record<string, Value | undefined>> {
  return recordOver({
    ...readTraps(state, false),
    set: () => false,
    deleteProperty: () => false,
  });
}

type Traps = ProxyHandler<Record<string, never>>;

function recordOver<Item>(traps: Traps): Record<string, Item> {
  // The target stays empty and extensible: a proxy may then report any properties as long as they are configurable.
  return new Proxy(Object.create(null) as Record<string, never>, traps) as Record<string, Item>;
}

function readTraps(state: Readable, writable: boolean): Traps {
  return {
    get: (_target, key) => (isKey(key) ? state.get(key) : undefined),
    has: (_target, key) => isKey(key) && state.has(key),
    ownKeys: () => [...state.entries()].map(([key]) => key).filter(isKey),
    getOwnPropertyDescriptor(_target, key) {
      const value = isKey(key) ? state.get(key) : undefined;
      return value === undefined ? undefined : { value, writable, enumerable: true, configurable: true };
    },
    defineProperty: () => false,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  };
}

function isKey(key: string | symbol): key is string {
  return typeof key === 'string' && key !== '__proto__';
}
