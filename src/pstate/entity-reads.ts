/**
 * What following references needs of a state: reading many keys at once, and finding the references in a value.
 */

import { RamaxError } from '../core/errors.js';
import { checkId } from '../core/names.js';
import { isRef } from '../core/ref.js';
import type { Value } from '../core/values.js';

/** Reads many keys in one read of the store. */
export interface EntityReads {
  getMany(keys: readonly string[]): readonly (Value | undefined)[];
}

/** Adds the keys of all references in `value`, wherever they are in it, to `keys`. */
export function collectRefs(value: Value | undefined, keys: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (isRef(value)) keys.add(value.$ref);
  else for (const part of Object.values(value)) collectRefs(part as Value, keys);
}

/**
 * Reads `keys` into a map of its own, so that nothing that the cache forgets meanwhile is missed. What is no key of a
 * state, such as a reference of no text, has nothing.
 */
export function readEntities(
  reads: EntityReads,
  keys: readonly string[],
  idBytesMax: number,
): Map<string, Value> {
  const readable = keys.filter((key) => isKey(key, idBytesMax));
  const values = readable.length === 0 ? [] : reads.getMany(readable);
  const entities = new Map<string, Value>();
  for (const [index, key] of readable.entries()) {
    const value = values[index];
    if (value !== undefined) entities.set(key, value);
  }
  return entities;
}

/** The error over `resolvedEntitiesMax`. */
export function tooManyEntities(call: string, key: string, entitiesMax: number): RamaxError {
  const expected = `at most ${entitiesMax} entities (limits.resolvedEntitiesMax)`;
  return new RamaxError(
    'invalid_input',
    `${call}(${JSON.stringify(key)}) may go through ${expected}, but there are more`,
    { details: { field: call, expected, key, limit: 'resolvedEntitiesMax' } },
  );
}

function isKey(key: string, idBytesMax: number): boolean {
  try {
    checkId(key, 'key', idBytesMax);
    return true;
  } catch {
    return false;
  }
}
