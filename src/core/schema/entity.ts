/** Entities: what lies at the keys `card:…`, by its fields or by one validator. */

import type { Value } from '../values.js';
import type { Field } from './field.js';
import { isValidator, type TakesWhatItGives, type Validator } from './validator.js';

/** Fields by name. */
export type Fields = Readonly<Record<string, Field>>;

/** What `entity` may be given besides its fields or validator. */
export interface EntityOptions {
  /**
   * Makes the whole entity from what an older app has stored, before the fields' own migrations. Pure and idempotent.
   * For what is no object yet, or changes as a whole.
   */
  readonly migrate?: (old: Value) => unknown;
}

/** An entity by its fields. */
export interface FieldsEntity<F extends Fields = Fields> {
  readonly fields: F;
  readonly options: EntityOptions;
}

/** An entity by one validator. */
export interface ValidatedEntity<V extends Validator = Validator> {
  readonly validator: V;
  readonly options: EntityOptions;
}

/** What `entity()` makes. */
export type EntityDefinition = FieldsEntity | ValidatedEntity;

/** Entities by name: the text before the first colon of their keys. */
export type EntityDefinitions = Readonly<Record<string, EntityDefinition>>;

/**
 * An entity of a schema: by its fields, or as a whole by any Standard Schema validator, which must answer at once and
 * must take what it gives.
 *
 * @example
 * ```ts
 * defineSchema({
 *   card: entity({ front: field.string(), level: field.number({ default: 1 }) }),
 *   contact: entity(z.object({ name: z.string(), email: z.email() })),
 * });
 * ```
 */
export function entity<V extends Validator>(
  validator: V & TakesWhatItGives<V>,
  options?: EntityOptions,
): ValidatedEntity<V>;
export function entity<F extends Fields>(fields: F, options?: EntityOptions): FieldsEntity<F>;
export function entity(shape: Validator | Fields, options: EntityOptions = {}): EntityDefinition {
  return Object.freeze(
    isValidator(shape) ? { validator: shape, options } : { fields: shape as Fields, options },
  );
}
