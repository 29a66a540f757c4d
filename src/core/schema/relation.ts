/** Fields that refer to other entities. Definitions only; `inverses.ts` pairs them, `entity-shape.ts` checks values. */

import type { Ref } from '../ref.js';
import type { Field, FieldMigration, Presence } from './field.js';

/** A field that holds references. */
export interface RelationField<
  Kind extends 'belongsTo' | 'hasMany' = 'belongsTo' | 'hasMany',
  Target extends string = string,
  Out = unknown,
  P extends Presence = Presence,
> extends Field<Out, Out, P> {
  readonly kind: Kind;
  /** The entity at the other end. */
  readonly entity: Target;
  /** The field of the other entity that leads back, when it was named. */
  readonly inverse: string | undefined;
}

/** What `hasMany` may be given besides the entity. */
export interface HasManyOptions {
  /**
   * The field of the other entity that leads back. Default: the one relation there that leads to this entity, when
   * there is exactly one and nothing else here could mean it.
   */
  readonly inverse?: string;
  /** Makes the references from what an older app has stored. See `FieldMigration`. */
  readonly migrate?: FieldMigration;
}

/** What `belongsTo` may be given besides the entity. */
export interface BelongsToOptions extends HasManyOptions {
  /** Whether the reference may be absent or null. Default true: an entity is there before it is linked. */
  readonly optional?: boolean;
}

/**
 * A reference to one entity, kept as `{ $ref: 'deck:d1' }`. Absent until it is linked, unless `optional: false`; null
 * says "none" as well.
 *
 * @example
 * ```ts
 * card: entity({ deck: belongsTo('deck', { inverse: 'cards' }) }),
 * ```
 */
export function belongsTo<const Target extends string>(
  entity: Target,
  options: BelongsToOptions & { readonly optional: false },
): RelationField<'belongsTo', Target, Ref<Target>, 'required'>;
export function belongsTo<const Target extends string>(
  entity: Target,
  options?: BelongsToOptions & { readonly optional?: true },
): RelationField<'belongsTo', Target, Ref<Target> | null, 'optional'>;
export function belongsTo(entity: string, options: BelongsToOptions = {}): RelationField<'belongsTo'> {
  const { inverse, optional = true, migrate } = options;
  const kept = { optional, ...(migrate === undefined ? {} : { migrate }) };
  return Object.freeze({ kind: 'belongsTo', entity, inverse, options: kept });
}

/**
 * References to many entities, kept as a map of id to reference, `{ c1: { $ref: 'card:c1' } }`; empty when nothing was
 * given.
 *
 * @example
 * ```ts
 * deck: entity({ cards: hasMany('card', { inverse: 'deck' }) }),
 * ```
 */
export function hasMany<const Target extends string>(
  entity: Target,
  options: HasManyOptions = {},
): RelationField<'hasMany', Target, Readonly<Record<string, Ref<Target>>>, 'defaulted'> {
  const { inverse, migrate } = options;
  const kept = { default: {}, ...(migrate === undefined ? {} : { migrate }) };
  return Object.freeze({ kind: 'hasMany', entity, inverse, options: kept });
}

/** Whether a field holds references. */
export function isRelation(field: Field): field is RelationField {
  return field.kind === 'belongsTo' || field.kind === 'hasMany';
}
