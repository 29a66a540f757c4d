/**
 * Pairs the relations of a schema: which field of the other entity leads back.
 *
 * Invariant: pairs are mutual. When `deck.cards` has the inverse `deck`, `card.deck` has the inverse `cards`; a field is
 * in one pair at most.
 */

import type { Relation } from '../state-schema.js';
import { wrongDefinition } from './check-definitions.js';
import type { EntityDefinitions } from './entity.js';
import { isRelation, type RelationField } from './relation.js';

/** The relations of one entity, by field. */
export type Relations = ReadonlyMap<string, Relation>;

/** One end of a relation, and its other end when that is known. */
interface End {
  readonly owner: string;
  readonly name: string;
  readonly field: RelationField;
  inverse: End | undefined;
}

/**
 * The relations of every entity, with their inverses: those that are named, and those that can be nothing else.
 *
 * @throws {RamaxError} `invalid_app` for an entity that is not there or an inverse that does not lead back
 */
export function pairInverses(entities: EntityDefinitions): ReadonlyMap<string, Relations> {
  const ends = endsOf(entities);
  for (const end of ends) pairNamed(end, ends);
  for (const [end, other] of unmistakable(ends)) pair(end, other);
  return new Map(
    Object.keys(entities).map((owner) => [
      owner,
      new Map(ends.filter((end) => end.owner === owner).map((end) => [end.name, relationOf(end)])),
    ]),
  );
}

function endsOf(entities: EntityDefinitions): readonly End[] {
  return Object.entries(entities).flatMap(([owner, definition]) => {
    if (!('fields' in definition)) return [];
    return Object.entries(definition.fields).flatMap(([name, field]) =>
      isRelation(field) ? [{ owner, name, field, inverse: undefined }] : [],
    );
  });
}

function relationOf({ field, inverse }: End): Relation {
  return Object.freeze({ kind: field.kind, entity: field.entity, inverse: inverse?.name });
}

function pairNamed(end: End, ends: readonly End[]): void {
  const { owner, name, field } = end;
  if (field.inverse === undefined) return;
  const place = `schema.${owner}.${name}`;
  const other = ends.find((one) => one.owner === field.entity && one.name === field.inverse);
  if (other === undefined || other.field.entity !== owner) {
    throw wrongDefinition(
      `${place}.inverse`,
      `a relation of '${field.entity}' that leads to '${owner}'`,
      field.inverse,
    );
  }
  const back = other.field.inverse;
  if ((back !== undefined && back !== name) || (other.inverse !== undefined && other.inverse !== end)) {
    const taken = `'${field.entity}.${other.name}' is the inverse of '${other.inverse?.name ?? back}'`;
    throw wrongDefinition(
      `${place}.inverse`,
      `a relation that no other one is paired with (${taken})`,
      field.inverse,
    );
  }
  pair(end, other);
}

function pair(end: End, other: End): void {
  end.inverse = other;
  other.inverse = end;
}

/** Ends that have each other as the only one that could be meant. */
function unmistakable(ends: readonly End[]): readonly (readonly [End, End])[] {
  const open = ends.filter(({ inverse }) => inverse === undefined);
  const meant = new Map(open.map((end) => [end, onlyOne(open.filter((other) => couldLeadBack(end, other)))]));
  return open.flatMap((end) => {
    const other = meant.get(end);
    return other !== undefined && meant.get(other) === end ? [[end, other] as const] : [];
  });
}

/** Within one entity only the two sides of "many to one" mean each other: `mother` and `father` do not. */
function couldLeadBack(end: End, other: End): boolean {
  if (other === end || other.owner !== end.field.entity || other.field.entity !== end.owner) return false;
  return other.owner !== end.owner || other.field.kind !== end.field.kind;
}

function onlyOne(ends: readonly End[]): End | undefined {
  return ends.length === 1 ? ends[0] : undefined;
}
