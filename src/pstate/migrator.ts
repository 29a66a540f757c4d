/**
 * Brings values that an older app has stored into their present shape when they are read, and back to the store.
 *
 * Owned by the state of one view whose schema has migrations or defaults; called by `stored-view.ts` for each value
 * that it decodes. A value that is in shape already costs the schema's own check and nothing else.
 */

import { isRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { StateSchema } from '../core/state-schema.js';
import { freezeValue, type Value } from '../core/values.js';
import { WriteBackQueue } from './write-back-queue.js';

/** Numbers about the migrations of a state, for telemetry. */
export interface MigrationStats {
  /** Values that were read in an older shape; one that is read again before it is written back counts again. */
  readonly entities: number;
  /** Of these, how many were queued to be written back. */
  readonly queued: number;
  /** Values that were written back. */
  readonly written: number;
  /** Values whose migration failed; each failed read counts. */
  readonly failed: number;
  /** Values that wait to be written back. */
  readonly pending: number;
}

/** The numbers of a state that migrates nothing. */
export const noMigrations: MigrationStats = Object.freeze({
  entities: 0,
  queued: 0,
  written: 0,
  failed: 0,
  pending: 0,
});

/** What a migrator is made of. */
export interface MigratorOptions {
  readonly schema: StateSchema;
  readonly limits: Pick<Limits, 'migrationQueueMax' | 'valueBytesMax' | 'valueDepthMax'>;
  /** Called when the first value waits to be written back. */
  readonly onWaiting: (() => void) | undefined;
}

/** See the file's header. */
export class Migrator {
  readonly queue: WriteBackQueue;
  readonly #schema: StateSchema;
  readonly #limits: MigratorOptions['limits'];
  readonly #onWaiting: (() => void) | undefined;
  #entities = 0;
  #queued = 0;
  #written = 0;
  #failed = 0;

  constructor({ schema, limits, onWaiting }: MigratorOptions) {
    this.queue = new WriteBackQueue(limits.migrationQueueMax);
    this.#schema = schema;
    this.#limits = limits;
    this.#onWaiting = onWaiting;
  }

  get stats(): MigrationStats {
    return {
      entities: this.#entities,
      queued: this.#queued,
      written: this.#written,
      failed: this.#failed,
      pending: this.queue.size,
    };
  }

  /**
   * The stored value of `key` in its present shape: `stored` itself, or a frozen value that now waits to be written.
   *
   * @throws {RamaxError} `migration_failed`
   */
  present(key: string, stored: Value): Value {
    const value = this.#migrate(key, stored);
    if (value === stored) return stored;
    this.#entities++;
    if (this.queue.add(key, value)) {
      this.#queued++;
      if (this.queue.size === 1) this.#onWaiting?.();
    }
    return value;
  }

  /** The store has the last batch of the queue. */
  written(): void {
    this.#written += this.queue.confirm();
  }

  #migrate(key: string, stored: Value): Value {
    try {
      const migrated = this.#schema.migrate(key, stored);
      return migrated === stored ? stored : freezeValue(migrated, `pstate["${key}"]`, this.#limits);
    } catch (error) {
      this.#failed++;
      if (isRamaxError(error, 'migration_failed')) throw error;
      throw migrationFailed(key, error);
    }
  }
}

/** A migration made what is no value, or the schema itself threw. */
function migrationFailed(key: string, cause: unknown): RamaxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RamaxError(
    'migration_failed',
    `the value at ${JSON.stringify(key)} cannot be migrated: ${why}`,
    {
      cause,
      details: { key },
    },
  );
}
