/**
 * `getResolved`: an entity with those that it refers to in the place of their references.
 *
 * First everything within the depth is read, breadth first, one read of the store per level. Then the answer is built
 * from what was read. A reference is replaced by its entity, unless
 *
 *   the depth is used up                         it stays as it is
 *   it leads to the entity that this one was reached from
 *                                                it stays as it is: cards name their deck, the deck has its cards
 *   it leads to this entity, or to one further up
 *                                                { $ref, $circular: [that entity, …, this entity, that entity] }
 *   there is nothing at its key                  { $ref, $missing: true }
 *
 * Invariants:
 *   - No more than `resolvedEntitiesMax` entities are read, nor stand in the answer: where two ways lead to one
 *     entity, it stands there twice, and many such crossings would double the answer again and again.
 *   - The answer is at most `valueDepthMax` levels deep, as every value; over it the call is refused, because a chain
 *     that is silently cut would look like one that ends.
 *   - The answer is deeply frozen; parts without references are shared with the state.
 */

import { invalidInput, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkOptions } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { ResolveOptions } from '../core/pstate-access.js';
import { isRef } from '../core/ref.js';
import type { Value } from '../core/values.js';
import { collectRefs, type EntityReads, readEntities, tooManyEntities } from './entity-reads.js';

/** The bounds that resolving keeps. */
export type ResolveLimits = Pick<Limits, 'resolvedEntitiesMax' | 'valueDepthMax' | 'idBytesMax'>;

/**
 * The entity at `key` with its references resolved, or undefined. See the file's header.
 *
 * @throws {RamaxError} `invalid_input` for a depth that is none, and over `resolvedEntitiesMax` or `valueDepthMax`
 */
export function resolveEntity(
  reads: EntityReads,
  key: string,
  options: ResolveOptions,
  limits: ResolveLimits,
): Value | undefined {
  const depth = checkDepth(options);
  const root = reads.getMany([key])[0];
  if (root === undefined) return undefined;
  if (depth === 0) return root;
  const entities = readReachable(reads, key, root, depth, limits);
  return new Resolver(entities, depth, limits).resolve(key, root);
}

function checkDepth(options: ResolveOptions): number {
  checkOptions(options);
  checkOptionNames(options, ['depth'], 'getResolved');
  const { depth = Number.POSITIVE_INFINITY } = options;
  if (depth === Number.POSITIVE_INFINITY || (Number.isSafeInteger(depth) && depth >= 0)) return depth;
  throw invalidInput('options.depth', 'an integer of at least 0 or Infinity', depth);
}

/** All entities that are at most `depth` references away from the root. */
function readReachable(
  reads: EntityReads,
  rootKey: string,
  root: Value,
  depth: number,
  { resolvedEntitiesMax, idBytesMax }: ResolveLimits,
): Map<string, Value> {
  const entities = new Map([[rootKey, root]]);
  const met = new Set([rootKey]);
  let level: Iterable<Value> = [root];
  for (let away = 0; away < depth; away++) {
    const next = newRefs(level, met);
    if (next.length === 0) break;
    if (met.size > resolvedEntitiesMax) throw tooManyEntities('getResolved', rootKey, resolvedEntitiesMax);
    const read = readEntities(reads, next, idBytesMax);
    for (const [key, value] of read) entities.set(key, value);
    level = read.values();
  }
  return entities;
}

/** The keys that `level` refers to and that were not met before; they are now. */
function newRefs(level: Iterable<Value>, met: Set<string>): string[] {
  const refs = new Set<string>();
  for (const value of level) collectRefs(value, refs);
  const fresh = [...refs].filter((key) => !met.has(key));
  for (const key of fresh) met.add(key);
  return fresh;
}

/** Builds the answer from what was read. */
class Resolver {
  readonly #entities: ReadonlyMap<string, Value>;
  readonly #depth: number;
  readonly #limits: ResolveLimits;
  /** The keys from the root to the entity that is being built. */
  readonly #path: string[] = [];
  #built = 0;

  constructor(entities: ReadonlyMap<string, Value>, depth: number, limits: ResolveLimits) {
    this.#entities = entities;
    this.#depth = depth;
    this.#limits = limits;
  }

  resolve(key: string, entity: Value): Value {
    return this.#entity(key, entity, 0);
  }

  #entity(key: string, entity: Value, levels: number): Value {
    this.#built++;
    const { resolvedEntitiesMax } = this.#limits;
    if (this.#built > resolvedEntitiesMax) {
      throw tooManyEntities('getResolved', this.#path[0] ?? key, resolvedEntitiesMax);
    }
    // An entity that is nothing but a reference adds no level, so that levels alone would not bound the stack.
    if (this.#path.length > this.#limits.valueDepthMax) throw this.#tooDeep();
    this.#path.push(key);
    const built = this.#part(entity, levels);
    this.#path.pop();
    return built;
  }

  /** `levels` stand above this part in the answer. */
  #part(part: Value, levels: number): Value {
    if (typeof part !== 'object' || part === null) return part;
    if (isRef(part)) return this.#ref(part as Value, part.$ref, levels);
    if (levels >= this.#limits.valueDepthMax) throw this.#tooDeep();
    return Array.isArray(part)
      ? this.#array(part, levels)
      : this.#object(part as Readonly<Record<string, Value>>, levels);
  }

  #ref(ref: Value, key: string, levels: number): Value {
    const path = this.#path;
    if (path.length > this.#depth || key === path.at(-2)) return ref;
    const above = path.indexOf(key);
    if (above >= 0) return frozenRef(key, { $circular: Object.freeze([...path.slice(above), key]) });
    const entity = this.#entities.get(key);
    return entity === undefined ? frozenRef(key, { $missing: true }) : this.#entity(key, entity, levels);
  }

  #array(items: readonly Value[], levels: number): Value {
    const built = items.map((item) => this.#part(item, levels + 1));
    return built.every((item, index) => item === items[index]) ? items : Object.freeze(built);
  }

  #object(fields: Readonly<Record<string, Value>>, levels: number): Value {
    const built: Record<string, Value> = {};
    let same = true;
    for (const [name, field] of Object.entries(fields)) {
      const value = this.#part(field, levels + 1);
      built[name] = value;
      if (value !== field) same = false;
    }
    return same ? fields : Object.freeze(built);
  }

  #tooDeep(): RamaxError {
    const root = this.#path[0] ?? '';
    const expected = `at most ${this.#limits.valueDepthMax} levels deep (limits.valueDepthMax)`;
    return new RamaxError(
      'invalid_input',
      `getResolved(${JSON.stringify(root)}) must be ${expected}, but its references lead deeper: give a smaller depth`,
      { details: { field: 'getResolved', expected, key: root, limit: 'valueDepthMax' } },
    );
  }
}

function frozenRef(key: string, why: Readonly<Record<string, Value>>): Value {
  return Object.freeze({ $ref: key, ...why });
}
