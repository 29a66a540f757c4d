/** Two ways to check an entity: field by field, or as a whole with one validator. Pure. */

import { describeValue } from '../errors.js';
import { nearestName } from '../nearest-name.js';
import { pathText, type Value } from '../values.js';
import type { EntityDefinition, Fields } from './entity.js';
import type { Field } from './field.js';
import { checkField, stableOutput } from './field-check.js';
import { sameMembers } from './same-value.js';
import type { Validator, ValueIssue } from './validator.js';

/** What is kept, or what is wrong; in a field, when it is in one. */
export type EntityOutcome =
  | { readonly value: unknown }
  | { readonly issues: readonly ValueIssue[]; readonly field?: string | undefined };

/** How an entity is checked. */
export interface EntityCheck {
  /** What is kept of what an app puts. */
  admit(path: string, value: unknown): EntityOutcome;
  /** What is kept of what is stored: fields that are not known any more are left behind. */
  migrate(path: string, stored: unknown): EntityOutcome;
}

/** While a stored entity was brought into shape, one of its fields threw `cause`. */
export class FieldThrew extends Error {
  readonly field: string;

  constructor(field: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : describeValue(cause), { cause });
    this.field = field;
  }
}

/** The check of an entity that is so defined. */
export function checkOf(name: string, definition: EntityDefinition): EntityCheck {
  return 'fields' in definition
    ? new FieldsCheck(name, definition.fields)
    : new WholeCheck(definition.validator);
}

class WholeCheck implements EntityCheck {
  readonly #validator: Validator;

  constructor(validator: Validator) {
    this.#validator = validator;
  }

  admit(path: string, value: unknown): EntityOutcome {
    return stableOutput(this.#validator, value, path);
  }

  migrate(path: string, stored: unknown): EntityOutcome {
    return stableOutput(this.#validator, stored, path);
  }
}

type Members = Readonly<Record<string, unknown>>;

class FieldsCheck implements EntityCheck {
  readonly #name: string;
  readonly #fields: ReadonlyMap<string, Field>;

  constructor(name: string, fields: Fields) {
    this.#name = name;
    this.#fields = new Map(Object.entries(fields));
  }

  admit(path: string, value: unknown): EntityOutcome {
    if (!isMembers(value)) return this.#noEntity(path, value);
    return this.#check(path, value, this.#unknown(path, value), (_field, given) => given, asItIs);
  }

  migrate(path: string, stored: unknown): EntityOutcome {
    if (!isMembers(stored)) return this.#noEntity(path, stored);
    const entity = stored as Readonly<Record<string, Value>>;
    const present = ({ options: { migrate } }: Field, old: unknown): unknown =>
      migrate === undefined ? old : migrate(old as Value | undefined, entity);
    return this.#check(path, entity, [], present, namingTheField);
  }

  /**
   * @param present what a field has, by what it was given
   * @param guard runs what app code may throw in
   */
  #check(
    path: string,
    entity: Members,
    issues: ValueIssue[],
    present: (field: Field, given: unknown) => unknown,
    guard: Guard,
  ): EntityOutcome {
    const kept: Record<string, unknown> = {};
    let wrong: string | undefined;
    const keep = (name: string, field: Field, value: unknown): void => {
      const checked = guard(name, () => checkField(field, pathText(path, [name]), value, entity));
      if ('issues' in checked) {
        issues.push(...checked.issues);
        wrong ??= name;
      } else if (checked.value !== undefined) kept[name] = checked.value;
    };
    const toMake: [name: string, field: Field][] = [];
    for (const [name, field] of this.#fields) {
      const given = Object.hasOwn(entity, name) ? entity[name] : undefined;
      const value = guard(name, () => present(field, given));
      if (value === undefined && typeof field.options.default === 'function') toMake.push([name, field]);
      else keep(name, field, value);
    }
    // A default that is made from the entity may rely on what the other fields are.
    if (issues.length === 0) for (const [name, field] of toMake) keep(name, field, undefined);
    if (issues.length > 0) return { issues, field: wrong };
    return { value: sameMembers(kept, entity, Object.is) ? entity : kept };
  }

  #unknown(path: string, value: Members): ValueIssue[] {
    const names = Object.keys(value).filter((name) => value[name] !== undefined && !this.#fields.has(name));
    return names.map((name) => {
      const nearest = nearestName(name, [...this.#fields.keys()]);
      const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
      const expected = `absent, as '${this.#name}' has no such field${hint}`;
      return { field: pathText(path, [name]), expected, got: describeValue(value[name]) };
    });
  }

  #noEntity(path: string, value: unknown): EntityOutcome {
    const expected = `an object with the fields of '${this.#name}'`;
    return { issues: [{ field: path, expected, got: describeValue(value) }] };
  }
}

/** Runs something of a field. */
type Guard = <Result>(name: string, run: () => Result) => Result;

const asItIs: Guard = (_name, run) => run();

const namingTheField: Guard = (name, run) => {
  try {
    return run();
  } catch (cause) {
    throw new FieldThrew(name, cause);
  }
};

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
