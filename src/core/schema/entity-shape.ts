/**
 * What may lie at the keys of one entity: the check of what is put, and the migration of what is stored.
 *
 * Used by `schema.ts` alone, one shape for each entity.
 */

import { describeValue, isRamaxError, RamaxError } from '../errors.js';
import type { Value } from '../values.js';
import type { EntityDefinition, EntityOptions } from './entity.js';
import { checkOf, type EntityCheck, type EntityOutcome, FieldThrew } from './entity-check.js';
import { sameValue } from './same-value.js';
import { issuesError, issueText } from './validator.js';

/** See the head of this file. */
export class EntityShape {
  readonly #name: string;
  readonly #options: EntityOptions;
  readonly #check: EntityCheck;

  constructor(name: string, definition: EntityDefinition) {
    this.#name = name;
    this.#options = definition.options;
    this.#check = checkOf(name, definition);
  }

  /** The entity as it is kept. @throws {RamaxError} `invalid_input` */
  admit(key: string, value: unknown): unknown {
    const outcome = this.#check.admit(placeOf(key), value);
    if ('issues' in outcome) throw issuesError(outcome.issues, 'invalid_input');
    return outcome.value;
  }

  /** The entity in its present shape: `stored` itself when it is so already. @throws {RamaxError} `migration_failed` */
  migrate(key: string, stored: Value): unknown {
    const migrated = this.#migrateOnce(key, stored);
    if (sameValue(migrated, stored)) return stored;
    // One that goes on changing what it has made would change the value at every read.
    if (sameValue(this.#migrateOnce(key, migrated as Value), migrated)) return migrated;
    throw this.#failed(key, 'its migration changes what it has made itself; it must be idempotent');
  }

  #migrateOnce(key: string, stored: Value): unknown {
    const outcome = this.#outcome(key, stored);
    if (!('issues' in outcome)) return outcome.value;
    const { issues, field } = outcome;
    const [first] = issues;
    const why = first === undefined ? 'it does not fit' : issueText(first);
    throw this.#failed(key, why, { ...(field === undefined ? {} : { field }), issues });
  }

  #outcome(key: string, stored: Value): EntityOutcome {
    const { migrate } = this.#options;
    try {
      return this.#check.migrate(placeOf(key), migrate === undefined ? stored : migrate(stored));
    } catch (error) {
      throw this.#threw(key, error);
    }
  }

  #threw(key: string, error: unknown): RamaxError {
    const { field, cause } = error instanceof FieldThrew ? error : { field: undefined, cause: error };
    const text = cause instanceof Error ? cause.message : describeValue(cause);
    const what = field === undefined ? 'its migration' : `the migration of '${field}'`;
    const why = isRamaxError(cause) ? text : `${what} threw: ${text}`;
    return this.#failed(key, why, field === undefined ? {} : { field }, cause);
  }

  #failed(key: string, why: string, details: object = {}, cause?: unknown): RamaxError {
    const what = `the ${this.#name} at ${JSON.stringify(key)} cannot be migrated`;
    return new RamaxError('migration_failed', `${what}: ${why}`, {
      details: { ...details, key, entity: this.#name },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

function placeOf(key: string): string {
  return `pstate["${key}"]`;
}
