/**
 * The schema of an app or of one view: its entities by name, checked and ready to be used by a state.
 *
 * Made by app code with `defineSchema()`, read by `loadApp` and by the projection state (as a `StateSchema`).
 *
 * Invariants: what `admit` gives it would admit again as it is; what `migrate` gives it would give again; neither
 * changes its argument. Keys of no entity are nobody's business here.
 */

import type { Relation, StateSchema } from '../state-schema.js';
import type { Value } from '../values.js';
import { checkDefinitions } from './check-definitions.js';
import type { EntityDefinition, EntityDefinitions } from './entity.js';
import { EntityShape } from './entity-shape.js';
import type { UnknownTargets } from './entity-types.js';
import { pairInverses, type Relations } from './inverses.js';

/** What `defineSchema()` makes. */
export interface Schema<E extends EntityDefinitions = EntityDefinitions> extends StateSchema {
  /** The definitions, as they were given. */
  readonly entities: E;
}

class AppSchema<E extends EntityDefinitions> implements Schema<E> {
  readonly entities: E;
  readonly migrates: boolean;
  readonly #shapes: ReadonlyMap<string, EntityShape>;
  readonly #relations: ReadonlyMap<string, Relations>;

  constructor(entities: E) {
    checkDefinitions(entities);
    this.entities = Object.freeze({ ...entities });
    const definitions = Object.entries<EntityDefinition>(entities);
    this.#relations = pairInverses(entities);
    this.#shapes = new Map(
      definitions.map(([name, definition]) => [name, new EntityShape(name, definition)]),
    );
    this.migrates = this.#shapes.size > 0;
    Object.freeze(this);
  }

  admit(key: string, value: unknown): unknown {
    const shape = this.#shapes.get(entityNameOf(key));
    return shape === undefined ? value : shape.admit(key, value);
  }

  migrate(key: string, value: Value): unknown {
    const shape = this.#shapes.get(entityNameOf(key));
    return shape === undefined ? value : shape.migrate(key, value);
  }

  relation(key: string, field: string): Relation | undefined {
    return this.relations(key).get(field);
  }

  relations(key: string): Relations {
    return this.#relations.get(entityNameOf(key)) ?? noRelations;
  }
}

const noRelations: Relations = new Map();

/** The text before the first colon; a key without one is of no entity. */
function entityNameOf(key: string): string {
  const colon = key.indexOf(':');
  return colon < 0 ? '' : key.slice(0, colon);
}

/**
 * The schema of an app or of one view. An entity is what lies at the keys that begin with its name: `card:c1` is a
 * `card`. What is put there is checked, what an older app has stored there is migrated when it is read, and what is
 * read there has its type.
 *
 * @throws {RamaxError} `invalid_app` naming the field, such as `schema.card.deck`, for a relation to an entity that is
 *   not there, a wrong inverse, or what is no field
 * @example
 * ```ts
 * const schema = defineSchema({
 *   deck: entity({ name: field.string(), cards: hasMany('card', { inverse: 'deck' }) }),
 *   card: entity({ deck: belongsTo('deck', { inverse: 'cards' }), front: field(z.string().min(1)) }),
 * });
 * export default defineApp({ name: 'decks', schema, commands, projections });
 * ```
 */
export function defineSchema<E extends EntityDefinitions>(entities: E & UnknownTargets<E>): Schema<E> {
  return new AppSchema<E>(entities);
}

/** Whether `candidate` was made by `defineSchema()`. (By its methods: it may be of another copy of Ramax.) */
export function isSchema(candidate: unknown): candidate is Schema {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const schema = candidate as Partial<Record<keyof Schema, unknown>>;
  return (
    [schema.admit, schema.migrate, schema.relation, schema.relations].every(
      (method) => typeof method === 'function',
    ) &&
    typeof schema.entities === 'object' &&
    schema.entities !== null
  );
}
