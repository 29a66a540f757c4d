/** What a schema means to the compiler: the types of its entities, of their keys and of their relations. No code. */

import type { UnresolvedRef } from '../ref.js';
import type { Value } from '../values.js';
import type { EntityDefinitions, FieldsEntity, ValidatedEntity } from './entity.js';
import type { Presence } from './field.js';
import type { RelationField } from './relation.js';
import type { ValidatorInput, ValidatorOutput } from './validator.js';

/** The entities of a schema; none where there is no schema. */
export type EntitiesOf<S> = S extends { readonly entities: infer E extends EntityDefinitions }
  ? E
  : Record<never, never>;

/** The names of a schema's entities. */
export type EntityName<S> = keyof EntitiesOf<S> & string;

/** The keys of a schema's entities, such as `card:${string}`. */
export type EntityKey<S> = `${EntityName<S>}:${string}`;

/**
 * What a state hands out is frozen, in types as well. (Lists by their items, so that types which contain themselves are
 * not unfolded for ever.)
 */
export type Immutable<T> = [Value] extends [T]
  ? T
  : T extends string | number | boolean | null | undefined | ((...given: never) => unknown)
    ? T
    : T extends readonly unknown[]
      ? number extends T['length']
        ? readonly Immutable<T[number]>[]
        : { readonly [Key in keyof T]: Immutable<T[Key]> }
      : T extends object
        ? { readonly [Key in keyof T]: Immutable<T[Key]> }
        : T;

type Flat<T> = { [Key in keyof T]: T[Key] };

type TypesOf<F> = F extends {
  readonly types?: { readonly in: infer In; readonly out: infer Out; readonly presence: infer P };
}
  ? { readonly in: In; readonly out: Out; readonly presence: P }
  : never;

type MayLack<F, Side extends 'in' | 'out', Lacking extends Presence> = TypesOf<F>['presence'] extends Lacking
  ? true
  : undefined extends TypesOf<F>[Side]
    ? true
    : false;

type NamesWhere<F, Side extends 'in' | 'out', Lacking extends Presence, May extends boolean> = {
  [Name in keyof F]: MayLack<F[Name], Side, Lacking> extends May ? Name : never;
}[keyof F];

type FieldsOut<F> = Flat<
  { readonly [Name in NamesWhere<F, 'out', 'optional', false>]: Immutable<TypesOf<F[Name]>['out']> } & {
    readonly [Name in NamesWhere<F, 'out', 'optional', true>]?: Immutable<
      Exclude<TypesOf<F[Name]>['out'], undefined>
    >;
  }
>;

type FieldsIn<F> = Flat<
  {
    readonly [Name in NamesWhere<F, 'in', 'optional' | 'defaulted', false>]: Immutable<
      TypesOf<F[Name]>['in']
    >;
  } & {
    readonly [Name in NamesWhere<F, 'in', 'optional' | 'defaulted', true>]?:
      | Immutable<TypesOf<F[Name]>['in']>
      | undefined;
  }
>;

/** What is read of an entity that is so defined. */
export type OutputOfEntity<D> =
  D extends FieldsEntity<infer F>
    ? FieldsOut<F>
    : D extends ValidatedEntity<infer V>
      ? Immutable<ValidatorOutput<V>>
      : never;

/** What is put for an entity that is so defined. */
export type InputOfEntity<D> =
  D extends FieldsEntity<infer F>
    ? FieldsIn<F>
    : D extends ValidatedEntity<infer V>
      ? Immutable<ValidatorInput<V>>
      : never;

/**
 * An entity of a schema as it is read.
 *
 * @example
 * ```ts
 * type Card = Entity<typeof schema, 'card'>;
 * ```
 */
export type Entity<S, Name extends EntityName<S>> = OutputOfEntity<EntitiesOf<S>[Name]>;

/** An entity of a schema as it is put: what has a default may be absent. */
export type EntityInput<S, Name extends EntityName<S>> = InputOfEntity<EntitiesOf<S>[Name]>;

/** The name of the entity at a key; never for keys of no entity and for keys that are not known. */
export type NameAt<S, Key extends string> = Key extends `${infer Name}:${string}`
  ? Name extends EntityName<S>
    ? Name
    : never
  : never;

/** What is read at a key: the entity that its text before the first colon names, else any value. */
export type EntityAt<S, Key extends string> = Key extends EntityKey<S> ? Entity<S, NameAt<S, Key>> : Value;

/** What may be put at a key. */
export type InputAt<S, Key extends string> =
  Key extends EntityKey<S> ? EntityInput<S, NameAt<S, Key>> : unknown;

/** A key of no entity. */
export type FreeKey<S, Key extends string> = Key extends EntityKey<S> ? never : Key;

type FieldsOf<S, Name extends EntityName<S>> =
  EntitiesOf<S>[Name] extends FieldsEntity<infer F> ? F : Record<never, never>;

/** The relations of an entity: field to the name of the entity at the other end. */
export type RelationTargets<S, Name extends EntityName<S>> = {
  readonly [Field in keyof FieldsOf<S, Name> as FieldsOf<S, Name>[Field] extends RelationField
    ? Field
    : never]: FieldsOf<S, Name>[Field] extends { readonly entity: infer Target extends string }
    ? Target
    : never;
};

/** Where a reference has led: the entity, with its own references followed, or the reference when it was not. */
export type Followed<S, Target extends string> =
  | (Target extends EntityName<S> ? ResolvedEntity<S, Target> : Value)
  | UnresolvedRef<Target>;

type FollowedField<S, F, Out> =
  F extends RelationField<'hasMany', infer Target>
    ? Readonly<Record<string, Followed<S, Target>>>
    : F extends RelationField<'belongsTo', infer Target>
      ? Followed<S, Target> | Extract<Out, null | undefined>
      : Out;

/** An entity whose references are followed. */
export type ResolvedEntity<S, Name extends EntityName<S>> = {
  readonly [Field in keyof Entity<S, Name>]: Field extends keyof FieldsOf<S, Name>
    ? FollowedField<S, FieldsOf<S, Name>[Field], Entity<S, Name>[Field]>
    : Entity<S, Name>[Field];
};

/** What is read at a key when references are followed. */
export type ResolvedAt<S, Key extends string> =
  Key extends EntityKey<S> ? ResolvedEntity<S, NameAt<S, Key>> : Value;

/** Where no schema says what there is. */
export type AnyPreloadPath = string | { readonly [field: string]: readonly AnyPreloadPath[] };

type PreloadPathOf<S, Name extends EntityName<S>> =
  | (keyof RelationTargets<S, Name> & string)
  | {
      readonly [Field in keyof RelationTargets<S, Name>]?: readonly (RelationTargets<
        S,
        Name
      >[Field] extends EntityName<S>
        ? PreloadPathOf<S, RelationTargets<S, Name>[Field]>
        : AnyPreloadPath)[];
    };

/**
 * What to load with an entity: fields that refer to others, and below them theirs.
 * `['cards', { cards: ['translations'] }]` loads the cards, and the translations of each.
 */
export type PreloadPath<S = unknown, Key extends string = string> =
  Key extends EntityKey<S> ? PreloadPathOf<S, NameAt<S, Key>> : AnyPreloadPath;

/** The fields of the entity at a key that refer to others. */
export type RelationAt<S, Key extends string> =
  Key extends EntityKey<S> ? keyof RelationTargets<S, NameAt<S, Key>> & string : string;

/** The keys that such a field can refer to. */
export type TargetKeyAt<S, Key extends string, Field extends string> =
  Key extends EntityKey<S>
    ? Field extends keyof RelationTargets<S, NameAt<S, Key>>
      ? `${RelationTargets<S, NameAt<S, Key>>[Field]}:${string}`
      : never
    : string;

/** Says at a relation, while an app is compiled, that it leads to an entity that the schema does not have. */
export type UnknownTargets<E> = {
  readonly [Name in keyof E]: E[Name] extends FieldsEntity<infer F>
    ? { readonly fields: { readonly [Field in keyof F]: KnownTarget<F[Field], keyof E> } }
    : unknown;
};

type KnownTarget<F, Names> =
  F extends RelationField<'belongsTo' | 'hasMany', infer Target>
    ? [Target] extends [Names]
      ? unknown
      : { readonly entity: Names }
    : unknown;
