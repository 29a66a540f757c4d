/** A schema as plain data: for people, for tools, and for the fingerprint of a view. */

import { defaultLimits } from '../limits.js';
import { freezeValue, type Value } from '../values.js';
import type { Field, FieldKind } from './field.js';
import { isRelation } from './relation.js';
import type { Schema } from './schema.js';

/** One field, as data. */
export interface FieldDescription {
  readonly kind: FieldKind;
  /** Whether it may be absent when it is read. */
  readonly optional: boolean;
  /** Its default: the value, or that it is made by a function. Absent when it has none. */
  readonly default?: { readonly value: Value } | { readonly computed: true };
  /** Whether it has a migration. */
  readonly migrates: boolean;
  /** The library of its validator, such as `zod`. */
  readonly vendor?: string;
  /** Of a relation: the entity at the other end. */
  readonly entity?: string;
  /** Of a relation: the field there that leads back. */
  readonly inverse?: string;
}

/** One entity, as data. */
export interface EntityDescription {
  /** Whether the entity has a migration as a whole. */
  readonly migrates: boolean;
  /** By name; empty for an entity that one validator checks. */
  readonly fields: Readonly<Record<string, FieldDescription>>;
  /** The library of the validator that checks the whole entity. */
  readonly vendor?: string;
}

/** A schema, as data. */
export interface SchemaDescription {
  readonly entities: Readonly<Record<string, EntityDescription>>;
}

/**
 * What a schema says, as plain JSON data: its entities, their fields with kind, default, relations and migrations.
 *
 * @example
 * ```ts
 * describeSchema(schema).entities['card']?.fields['deck'];
 * // { kind: 'belongsTo', optional: true, migrates: false, entity: 'deck', inverse: 'cards' }
 * ```
 */
export function describeSchema(schema: Schema): SchemaDescription {
  const entities = Object.entries(schema.entities).map(([name, definition]) => {
    const migrates = definition.options.migrate !== undefined;
    if ('validator' in definition) {
      return [name, { migrates, fields: {}, vendor: definition.validator['~standard'].vendor }] as const;
    }
    const relations = schema.relations(`${name}:`);
    const fields = Object.entries(definition.fields).map(([fieldName, field]) => {
      return [fieldName, describeField(field, relations.get(fieldName)?.inverse)] as const;
    });
    return [name, { migrates, fields: Object.fromEntries(fields) }] as const;
  });
  return { entities: Object.fromEntries(entities) };
}

function describeField(field: Field, inverse: string | undefined): FieldDescription {
  const { kind, validator, options } = field;
  return {
    kind,
    optional: options.optional === true,
    ...describeDefault(options.default),
    migrates: options.migrate !== undefined,
    ...(validator === undefined ? {} : { vendor: validator['~standard'].vendor }),
    ...(isRelation(field) ? { entity: field.entity } : {}),
    ...(inverse === undefined ? {} : { inverse }),
  };
}

function describeDefault(given: unknown): Pick<FieldDescription, 'default'> {
  if (given === undefined) return {};
  if (typeof given === 'function') return { default: { computed: true } };
  return { default: { value: freezeValue(given, 'default', defaultLimits) } };
}
