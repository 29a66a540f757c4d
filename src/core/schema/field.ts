/** The fields of an entity: of a plain type, or checked by a validator. Definitions only; `entity-shape.ts` checks values. */

import type { Value } from '../values.js';
import type { TakesWhatItGives, Validator, ValidatorInput, ValidatorOutput } from './validator.js';

/**
 * Makes a field's value from what an older app has stored. Pure, and idempotent: from a value in its present shape it
 * makes the same value.
 *
 * @param old the stored value of the field, or undefined
 * @param entity the whole stored entity, with the fields that the present schema no longer has
 */
export type FieldMigration = (old: Value | undefined, entity: Readonly<Record<string, Value>>) => unknown;

/** What a field has when nothing was given: a JSON value, or a pure function of the entity as it was given. */
export type FieldDefault<T> = T | ((entity: Readonly<Record<string, Value>>) => T);

/** How a field may be absent: never; always; or never when it is read, because it has a default. */
export type Presence = 'required' | 'optional' | 'defaulted';

/** What a value of a field is checked for. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'json' | 'validated' | 'belongsTo' | 'hasMany';

/** A field of an entity, made by `field()`, `field.string()` and the like, `belongsTo()` or `hasMany()`. */
export interface Field<In = unknown, Out = unknown, P extends Presence = Presence> {
  readonly kind: FieldKind;
  readonly options: {
    readonly default?: unknown;
    readonly optional?: boolean;
    readonly migrate?: FieldMigration;
  };
  /** Of a field that a validator checks. */
  readonly validator?: Validator;
  /** For the compiler alone; never there. */
  readonly types?: { readonly in: In; readonly out: Out; readonly presence: P };
}

interface Migrating {
  /** Makes the value from an older shape. See `FieldMigration`. */
  readonly migrate?: FieldMigration;
}

/** A field that is always there. */
export interface RequiredFieldOptions extends Migrating {
  readonly optional?: false;
}

/** A field that may be absent. */
export interface OptionalFieldOptions extends Migrating {
  readonly optional: true;
}

/** A field that is filled in when it is absent. */
export interface DefaultedFieldOptions<T> extends Migrating {
  readonly default: FieldDefault<T>;
}

/** Makes fields of one plain type. */
export interface PlainField<T> {
  (options: DefaultedFieldOptions<T>): Field<T, T, 'defaulted'>;
  (options: OptionalFieldOptions): Field<T, T, 'optional'>;
  (options?: RequiredFieldOptions): Field<T, T, 'required'>;
}

/** Makes fields of any JSON type, as the type argument says; it is not checked at run time beyond being JSON. */
export interface JsonField {
  <T = Value>(options: DefaultedFieldOptions<T>): Field<T, T, 'defaulted'>;
  <T = Value>(options: OptionalFieldOptions): Field<T, T, 'optional'>;
  <T = Value>(options?: RequiredFieldOptions): Field<T, T, 'required'>;
}

/** Makes fields that a validator checks, and holds the makers of plain ones. */
export interface FieldMaker {
  <V extends Validator>(
    validator: V & TakesWhatItGives<V>,
    options: DefaultedFieldOptions<ValidatorInput<V>>,
  ): Field<ValidatorInput<V>, ValidatorOutput<V>, 'defaulted'>;
  <V extends Validator>(
    validator: V & TakesWhatItGives<V>,
    options: OptionalFieldOptions,
  ): Field<ValidatorInput<V>, ValidatorOutput<V>, 'optional'>;
  <V extends Validator>(
    validator: V & TakesWhatItGives<V>,
    options?: RequiredFieldOptions,
  ): Field<ValidatorInput<V>, ValidatorOutput<V>, 'required'>;
  readonly string: PlainField<string>;
  readonly number: PlainField<number>;
  readonly boolean: PlainField<boolean>;
  readonly json: JsonField;
}

type Plain = 'string' | 'number' | 'boolean' | 'json';

function plain(kind: Plain): (options?: Field['options']) => Field {
  return (options = {}) => Object.freeze({ kind, options });
}

/**
 * A field of an entity. `field.string()`, `field.number()`, `field.boolean()` and `field.json<T>()` are checked by their
 * type; `field(validator)` by any Standard Schema validator (Zod, Valibot, ArkType, …), which must answer at once and
 * must take what it gives, because what it gave is stored and checked again.
 *
 * Options: `default` (a value, or a function of the entity), `optional: true`, and `migrate`, which makes the value from
 * what an older app has stored. Without the first two a field must be there.
 *
 * @example
 * ```ts
 * entity({
 *   name: field.string(),
 *   archived: field.boolean({ default: false }),
 *   note: field.string({ optional: true }),
 *   tags: field.json<readonly string[]>({ default: [] }),
 *   front: field(z.string().min(1)),
 *   level: field.number({ default: 1, migrate: (old) => (typeof old === 'string' ? Number(old) : old) }),
 *   fullName: field.string({ migrate: (old, entity) => old ?? `${entity.first} ${entity.last}` }),
 * });
 * ```
 */
export const field: FieldMaker = Object.freeze(
  Object.assign(
    (validator: Validator, options: Field['options'] = {}): Field =>
      Object.freeze({ kind: 'validated', validator, options }),
    {
      string: plain('string'),
      number: plain('number'),
      boolean: plain('boolean'),
      json: plain('json'),
    },
  ),
) as FieldMaker;
