/**
 * A schema as a projection state uses it: what may be put at a key, what becomes of a value that an older app has
 * stored, and where references lead. Made from an app's schema (`core/schema/`); the state knows no more than this.
 */

import type { Value } from './values.js';

/** A field that holds references. */
export interface Relation {
  readonly kind: 'belongsTo' | 'hasMany';
  /** The entity at the other end. */
  readonly entity: string;
  /** The field of the other entity that leads back, when there is one. */
  readonly inverse: string | undefined;
}

/** See the head of this file. */
export interface StateSchema {
  /** Whether stored values have to be looked at when they are read: not so for a schema without entities. */
  readonly migrates: boolean;
  /**
   * The value as it is kept at `key`: checked, with its defaults. A key of no entity takes any value.
   *
   * @throws {RamaxError} `invalid_input` with the path, what was expected and what came
   */
  admit(key: string, value: unknown): unknown;
  /**
   * A stored value in its present shape: `value` itself when it is so already.
   *
   * @throws {RamaxError} `migration_failed` naming the key and the field
   */
  migrate(key: string, value: Value): unknown;
  /** The relation in a field of the entity at `key`, or undefined. */
  relation(key: string, field: string): Relation | undefined;
  /** The relations of the entity at `key`, by field. */
  relations(key: string): ReadonlyMap<string, Relation>;
}
