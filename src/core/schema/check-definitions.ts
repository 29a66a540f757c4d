/** Checks the definitions of a schema once, when it is made: types can be cast away, and plain JavaScript has none. */

import { describeValue, RamaxError } from '../errors.js';
import { nearestName } from '../nearest-name.js';
import type { EntityDefinitions } from './entity.js';
import type { Field, FieldKind } from './field.js';
import { checkField as checkFieldValue } from './field-check.js';
import { isRelation, type RelationField } from './relation.js';
import { isValidator } from './validator.js';

const kinds = [
  'string',
  'number',
  'boolean',
  'json',
  'validated',
  'belongsTo',
  'hasMany',
] as const satisfies readonly FieldKind[];

/** The error for a part of a schema that is wrong. */
export function wrongDefinition(place: string, expected: string, got: unknown): RamaxError {
  const came = describeValue(got);
  return new RamaxError('invalid_app', `app: ${place} must be ${expected}, but is ${came}`, {
    details: { field: place, expected, got: came },
  });
}

/**
 * Refuses entities that are none, fields that are none, and relations to entities that are not there.
 *
 * @throws {RamaxError} `invalid_app`
 */
export function checkDefinitions(entities: EntityDefinitions): void {
  if (!isRecord(entities) || isValidator(entities))
    throw wrongDefinition('schema', 'an object of entities', entities);
  for (const [name, definition] of Object.entries<unknown>(entities)) {
    const place = `schema.${name}`;
    if (!/^[^:\s]{1,64}$/.test(name) || name === '__proto__') {
      throw wrongDefinition(place, 'named with 1 to 64 characters without colons and white space', name);
    }
    checkEntity(place, definition, Object.keys(entities));
  }
}

function checkEntity(place: string, definition: unknown, names: readonly string[]): void {
  const made = 'made with entity()';
  if (!isRecord(definition) || !isRecord(definition['options']))
    throw wrongDefinition(place, made, definition);
  const { migrate } = definition['options'];
  if (migrate !== undefined && typeof migrate !== 'function') {
    throw wrongDefinition(`${place}.migrate`, 'a function', migrate);
  }
  if (isValidator(definition['validator'])) return;
  const { fields } = definition;
  if (!isRecord(fields)) throw wrongDefinition(place, 'an object of fields or a validator', fields);
  for (const [name, field] of Object.entries(fields)) {
    checkField(`${place}.${name}`, field);
    if (isRelation(field)) checkTarget(`${place}.${name}`, field, names);
  }
}

function checkField(place: string, field: unknown): asserts field is Field {
  const { kind, options } = isRecord(field) ? field : {};
  if (!isRecord(options) || !(kinds as readonly unknown[]).includes(kind)) {
    throw wrongDefinition(place, 'a field: field(), field.string(), belongsTo(), hasMany(), …', field);
  }
  const { validator } = field as unknown as Field;
  if (kind === 'validated' && !isValidator(validator)) {
    throw wrongDefinition(place, 'a field with a Standard Schema validator, version 1', validator);
  }
  const { migrate, optional, default: given } = options;
  if (migrate !== undefined && typeof migrate !== 'function') {
    throw wrongDefinition(`${place}.migrate`, 'a function', migrate);
  }
  if (optional !== undefined && typeof optional !== 'boolean') {
    throw wrongDefinition(`${place}.optional`, 'true or false', optional);
  }
  if (optional === true && given !== undefined) {
    throw wrongDefinition(`${place}.optional`, 'absent, as a field with a default is never absent', optional);
  }
  if (given !== undefined && typeof given !== 'function') checkDefault(place, field as unknown as Field);
}

/** A default that does not fit would refuse every value that needs it. */
function checkDefault(place: string, field: Field): void {
  const checked = checkFieldValue(field, `${place}.default`, undefined, {});
  if (!('issues' in checked)) return;
  const [{ expected } = { expected: 'what the field takes' }] = checked.issues;
  throw wrongDefinition(`${place}.default`, expected, field.options.default);
}

function checkTarget(place: string, { entity }: RelationField, names: readonly string[]): void {
  if (names.includes(entity)) return;
  const nearest = typeof entity === 'string' ? nearestName(entity, names) : undefined;
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
  throw wrongDefinition(place, `a relation to an entity of the schema${hint}`, entity);
}

function isRecord(candidate: unknown): candidate is Record<string, unknown> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate);
}
