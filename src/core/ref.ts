/**
 * References between entities: plain JSON, so that they survive storage, threads and the wire.
 *
 * A reference is the object `{ $ref: 'card:c1' }` and nothing else. Where references are resolved, one that cannot be
 * followed stays and says why: `$missing` when there is nothing at its key, `$circular` when it closes a chain.
 */

import { invalidInput } from './errors.js';
import { defaultLimits } from './limits.js';
import { checkId } from './names.js';

/** A reference to the entity at a key. */
export interface Ref<Entity extends string = string> {
  readonly $ref: `${Entity}:${string}`;
}

/** A reference that was not followed, as a resolved value shows it. */
export interface UnresolvedRef<Entity extends string = string> extends Ref<Entity> {
  /** There is nothing at its key. */
  readonly $missing?: true;
  /** The keys from the entity that it leads back to, down to that entity again. */
  readonly $circular?: readonly string[];
}

/**
 * A reference to the entity of this type with this id, or to the entity at this key.
 *
 * @throws {RamaxError} `invalid_input` when the key has no form `type:id`
 * @example
 * ```ts
 * ref('card', 'c1'); // { $ref: 'card:c1' }
 * ref('card:c1'); // the same
 * ```
 */
export function ref<const Entity extends string>(entity: Entity, id: string): Ref<Entity>;
export function ref<const Entity extends string>(key: `${Entity}:${string}`): Ref<Entity>;
export function ref(entityOrKey: string, id?: string): Ref {
  const key = id === undefined ? entityOrKey : `${entityOrKey}:${id}`;
  checkId(key, 'ref', defaultLimits.idBytesMax);
  const colon = key.indexOf(':');
  if (colon < 1 || colon === key.length - 1) throw invalidInput('ref', "a key of the form 'entity:id'", key);
  return Object.freeze({ $ref: key as `${string}:${string}` });
}

/** Whether `value` is a reference, followed by nothing else than why it was not resolved. */
export function isRef(value: unknown): value is UnresolvedRef {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, '$ref')) return false;
  if (typeof (value as { $ref: unknown }).$ref !== 'string') return false;
  return Object.keys(value).every((name) => name === '$ref' || name === '$missing' || name === '$circular');
}
