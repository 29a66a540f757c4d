/**
 * `link` and `unlink`: both ends of a relation are changed together, so that they never contradict each other.
 *
 *   hasMany     the field is a map from the other entity's id to a reference to it: { c1: { $ref: 'card:c1' } }
 *   belongsTo   the field is a reference, or absent
 *
 * Where an end can hold one only (belongsTo) and held another, that former partner lets go of it as well.
 *
 * Invariants:
 *   - All entities that change are put together, after every one of them was checked: all or nothing.
 *   - A relation without an inverse has one end.
 */

import { assert } from '../core/assert.js';
import { invalidInput, RamaxError } from '../core/errors.js';
import { isRef } from '../core/ref.js';
import type { Relation, StateSchema } from '../core/state-schema.js';
import type { Value } from '../core/values.js';

/** What linking needs of a state. */
export interface LinkableState {
  getMany(keys: readonly string[]): readonly (Value | undefined)[];
  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void;
}

/**
 * Makes `field` of the entity at `parentKey` refer to the one at `childKey`, and the other way round.
 *
 * @throws {RamaxError} `invalid_input` when one of both is not there, or when `field` is no relation to the other
 */
export function link(
  state: LinkableState,
  schema: StateSchema | undefined,
  parentKey: string,
  field: string,
  childKey: string,
): void {
  const [near, far] = endsOf(schema, parentKey, field, childKey);
  const entities = new Entities(state, [parentKey, childKey]);
  entities.mustBeThere(parentKey, 'parentKey');
  entities.mustBeThere(childKey, 'childKey');
  entities.point(near, far);
  if (far.field !== undefined) entities.point(far, near);
  entities.save();
}

/**
 * Takes both references away. Returns false when there was none.
 *
 * @throws {RamaxError} `invalid_input` when `field` is no relation to the other
 */
export function unlink(
  state: LinkableState,
  schema: StateSchema | undefined,
  parentKey: string,
  field: string,
  childKey: string,
): boolean {
  const [near, far] = endsOf(schema, parentKey, field, childKey);
  const entities = new Entities(state, [parentKey, childKey]);
  entities.unpoint(near, far.key);
  entities.unpoint(far, near.key);
  return entities.save();
}

/** One end of a relation: an entity, and its field that leads to the other one, if it has one. */
interface End {
  readonly key: string;
  readonly field: string | undefined;
  readonly kind: Relation['kind'];
}

function endsOf(
  schema: StateSchema | undefined,
  parentKey: string,
  field: string,
  childKey: string,
): readonly [near: End, far: End] {
  const relation = relationOf(schema, parentKey, field);
  const { entity, inverse } = relation;
  if (typeof childKey !== 'string' || !childKey.startsWith(`${entity}:`) || childKey === `${entity}:`) {
    throw invalidInput('childKey', `the key of a ${entity} ('${entity}:id')`, childKey);
  }
  const back = inverse === undefined ? undefined : schema?.relation(childKey, inverse);
  assert((back === undefined) === (inverse === undefined), 'the inverse of a relation is a relation');
  return [
    { key: parentKey, field, kind: relation.kind },
    { key: childKey, field: inverse, kind: back?.kind ?? 'belongsTo' },
  ];
}

function relationOf(schema: StateSchema | undefined, key: string, field: string): Relation {
  if (schema === undefined) {
    throw new RamaxError('invalid_input', 'this view has no schema, so that nothing can be linked in it', {
      details: { field: 'schema', key },
    });
  }
  if (typeof key !== 'string') throw invalidInput('parentKey', 'a string', key);
  const relation = typeof field === 'string' ? schema.relation(key, field) : undefined;
  if (relation !== undefined) return relation;
  const known = [...schema.relations(key).keys()].join(', ');
  throw invalidInput('field', known === '' ? `a relation, but ${key} has none` : `one of ${known}`, field);
}

type Fields = Readonly<Record<string, Value>>;

/** The entities that a link touches, as they will be. Nothing is written before `save()`. */
class Entities {
  readonly #state: LinkableState;
  readonly #now = new Map<string, Value | undefined>();
  readonly #changed = new Map<string, Fields>();

  constructor(state: LinkableState, keys: readonly string[]) {
    this.#state = state;
    const values = state.getMany(keys);
    for (const [index, key] of keys.entries()) this.#now.set(key, values[index]);
  }

  mustBeThere(key: string, field: string): void {
    if (this.#get(key) !== undefined) return;
    throw invalidInput(field, 'the key of an entity that is there', key);
  }

  /** Makes `near` refer to `far`. A former partner that `near` can no longer refer to lets go of it. */
  point(near: End, far: End): void {
    if (near.field === undefined) return;
    const fields = this.#fields(near.key);
    const held = own(fields, near.field);
    if (near.kind === 'hasMany') {
      const id = idOf(far.key);
      const map = held === undefined || held === null ? {} : held;
      if (!isMap(map)) throw invalidInput(`pstate["${near.key}"].${near.field}`, 'a map of references', held);
      if (!leadsTo(own(map, id), far.key)) this.#set(near, { ...map, [id]: { $ref: far.key } });
    } else if (!leadsTo(held, far.key)) {
      this.#set(near, { $ref: far.key });
      if (isRef(held)) this.unpoint({ ...far, key: held.$ref }, near.key);
    }
  }

  /** Makes `near` refer to `farKey` no longer, when it does. */
  unpoint(near: End, farKey: string): void {
    const fields = this.#get(near.key);
    if (near.field === undefined || !isFields(fields)) return;
    const held = own(fields, near.field);
    if (near.kind === 'belongsTo') {
      if (leadsTo(held, farKey)) this.#set(near, undefined);
    } else if (isMap(held) && leadsTo(own(held, idOf(farKey)), farKey)) {
      const { [idOf(farKey)]: _, ...others } = held;
      this.#set(near, others);
    }
  }

  /** Puts what has changed, at once. Says whether that was anything. */
  save(): boolean {
    if (this.#changed.size > 0) this.#state.putMany(this.#changed);
    return this.#changed.size > 0;
  }

  #get(key: string): Value | undefined {
    if (!this.#now.has(key)) this.#now.set(key, this.#state.getMany([key])[0]);
    return this.#now.get(key);
  }

  #fields(key: string): Fields {
    const entity = this.#get(key);
    if (isFields(entity)) return entity;
    throw invalidInput(`pstate["${key}"]`, 'an object, to be linked', entity);
  }

  #set(end: End, held: Value | undefined): void {
    const field = end.field ?? '';
    const { [field]: _, ...others } = this.#fields(end.key);
    const changed = held === undefined ? others : { ...this.#fields(end.key), [field]: held };
    this.#now.set(end.key, changed);
    this.#changed.set(end.key, changed);
  }
}

function leadsTo(held: Value | undefined, key: string): boolean {
  return isRef(held) && held.$ref === key;
}

function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a hasMany field holds. */
function isMap(value: Value | undefined): value is Fields {
  return isFields(value) && !isRef(value);
}

/** Ids are chosen by users: one may be named like something that every object inherits. */
function own(fields: Fields, name: string): Value | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** The part of a key after its first colon. */
function idOf(key: string): string {
  return key.slice(key.indexOf(':') + 1);
}
