/**
 * Operating errors: the one table of codes, and the one class that carries them.
 *
 * Three kinds of bad news are kept apart in Ramax. A *rejection* is a domain answer, made by the app with `reject()`;
 * it reaches the caller as code `command_rejected`. An *operating error* is any other row of this table. A *bug* is an
 * assertion (`assert.ts`) and has no code.
 *
 * Invariants: a code never changes its meaning; every code says whether the same call may succeed when it is
 * repeated unchanged; an error that crosses a thread keeps code, message, details and reason (`ErrorData`).
 */

/**
 * Every code, with what it means and whether a retry of the same call can help.
 *
 * `retryable` means: the same call, unchanged, may succeed later. For `outcome_unknown` that is only safe with a
 * `commandId`, which gives the definite answer.
 */
export const errorTable = {
  command_rejected: { retryable: false, means: 'The command was decided and the app refused it.' },
  conflict: {
    retryable: false,
    means:
      'The space has moved past expectedSequence, an event matches failIfEventsMatch, the commandId was used for another command, or the name is taken.',
  },
  unknown_command: { retryable: false, means: 'The app has no command of this name.' },
  unknown_query: { retryable: false, means: 'The app has no query of this name.' },
  unknown_view: { retryable: false, means: 'The app has no view of this name.' },
  invalid_input: { retryable: false, means: 'An argument is of the wrong type, shape or size.' },
  invalid_app: { retryable: false, means: 'The app module does not load or has the wrong shape.' },
  command_failed: {
    retryable: false,
    means: 'The command function or query threw, or returned something that is no answer.',
  },
  projection_failed: {
    retryable: false,
    means: 'A projection threw while it applied an event; what needs its view fails until the app is fixed.',
  },
  upcast_failed: {
    retryable: false,
    means:
      'An upcaster threw or made what is no event; what needs the event in its present shape fails until the app is fixed.',
  },
  event_newer: {
    retryable: false,
    means: 'An event was stored in a version that the app does not have; a newer app has written it.',
  },
  migration_failed: {
    retryable: false,
    means:
      'A migration threw or made a value that does not fit its schema; its key cannot be read until it is fixed.',
  },
  reaction_failed: {
    retryable: true,
    means: "A reactor's handler threw. It is tried again, and its event parked when that does not help.",
  },
  poisoned: {
    retryable: false,
    means: 'The call has ended its shard several times and is refused. Nothing was written.',
  },
  view_building: {
    retryable: true,
    means: 'The view is made for the first time and has not caught up with the log yet.',
  },
  overloaded: {
    retryable: true,
    means: 'A bounded queue is full, or a rate is exceeded. Nothing was done.',
  },
  suspended: {
    retryable: false,
    means: 'The space is suspended and takes no commands until somebody resumes it. Nothing was done.',
  },
  aborted: { retryable: true, means: 'The caller aborted before anything was decided.' },
  timeout: { retryable: true, means: 'The deadline passed before anything was decided.' },
  outcome_unknown: {
    retryable: true,
    means: 'The command may or may not have been committed; the same commandId gives the definite answer.',
  },
  closed: { retryable: false, means: 'The runtime, store or space handle is closed.' },
  not_found: { retryable: false, means: 'The space does not exist, or has been deleted.' },
  already_owned: { retryable: true, means: 'Another runtime owns this data directory.' },
  storage: { retryable: true, means: 'The disk or the database refused an operation.' },
  unsupported: { retryable: false, means: 'This storage cannot do what was asked.' },
  storage_unsuitable: {
    retryable: false,
    means:
      'The data directory cannot hold a database safely (not writable, a network file system, no directory).',
  },
  key_missing: {
    retryable: false,
    means: 'The space is encrypted, and its key is not there, or another one.',
  },
  format_newer: {
    retryable: false,
    means: 'The database or file was written by a newer version of the format.',
  },
  corrupt: { retryable: false, means: 'Stored data failed verification; nothing wrong is served.' },
  witness_missing: {
    retryable: false,
    means: 'The witness of the log is missing or damaged, so that nobody can say whether the log is whole.',
  },
  fenced: { retryable: true, means: 'A newer owner has taken over; this writer or shard is out of date.' },
  unavailable: {
    retryable: true,
    means: 'A shard or the writer is down and could not be restarted in time.',
  },
} as const satisfies Record<string, { readonly retryable: boolean; readonly means: string }>;

/** The stable code of an operating error. */
export type ErrorCode = keyof typeof errorTable;

/** An error as plain data: what crosses threads. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

/** What a `RamaxError` may carry besides its code and message. */
export interface RamaxErrorOptions {
  /** Facts a person or a program needs to act: names, limits, positions. Plain data. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The rejection's reason, only with `command_rejected`. */
  readonly reason?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the public API.
 *
 * @example
 * ```ts
 * try {
 *   await acme.execute('addContact', contact);
 * } catch (error) {
 *   if (error instanceof RamaxError && error.code === 'command_rejected') console.log(error.reason, error.details);
 *   else if (error instanceof RamaxError && error.retryable) await retryLater();
 *   else throw error;
 * }
 * ```
 */
export class RamaxError extends Error {
  override readonly name = 'RamaxError';
  /** A row of the table of codes; stable over versions. */
  readonly code: ErrorCode;
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean;
  /** Facts that help to act: names, limits, positions. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The reason that the app gave to `reject()`, with code `command_rejected` only. */
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, options: RamaxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = errorTable[code].retryable;
    this.details = options.details ?? {};
    this.reason = options.reason;
  }

  /** This error as plain data, for a port or a log. Details that are no JSON (app code may throw anything) are left out. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      details: jsonOrNothing(this.details),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    };
  }

  /** The error that `data` describes. */
  static fromData(data: ErrorData): RamaxError {
    return new RamaxError(data.code, data.message, {
      ...(data.details === undefined ? {} : { details: data.details }),
      ...(data.reason === undefined ? {} : { reason: data.reason }),
    });
  }
}

/**
 * The `invalid_input` error for one field: names the field, what was expected and what came.
 */
export function invalidInput(field: string, expected: string, got: unknown): RamaxError {
  const came = describeValue(got);
  return new RamaxError('invalid_input', `${field} must be ${expected}, but got ${came}`, {
    details: { field, expected, got: came },
  });
}

/** Whether `error` is a `RamaxError`, of this code when one is given. */
export function isRamaxError(error: unknown, code?: ErrorCode): error is RamaxError {
  return error instanceof RamaxError && (code === undefined || error.code === code);
}

/** Whether `error` says that the stored data of this space is damaged: that is no failure of the storage as a whole. */
export function isDamageOf(error: unknown, spaceId: number): error is RamaxError {
  return isRamaxError(error, 'corrupt') && error.details['spaceId'] === spaceId;
}

/**
 * Whether `error` is trouble with the disk that passes by itself, or when somebody makes room: it is worth to try again for as
 * long as it takes. Damage, a newer format and a log that is gone are not.
 */
export function isPassingTrouble(error: unknown): error is RamaxError {
  return isRamaxError(error, 'storage') && error.details['passes'] === true;
}

/** `error` itself when it is a `RamaxError`, else a `RamaxError` of `code` that has it as its cause. */
export function asRamaxError(error: unknown, code: ErrorCode, context: string): RamaxError {
  if (error instanceof RamaxError) return error;
  const stack = error instanceof Error ? error.stack : undefined;
  return new RamaxError(code, `${context}: ${messageOf(error)}`, {
    cause: error,
    details: stack === undefined ? {} : { stack },
  });
}

/** App code may throw anything, also what cannot be made text. */
function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return describeValue(thrown);
  }
}

function jsonOrNothing(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    const text = JSON.stringify(details) as string | undefined;
    return text === undefined ? {} : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    return {};
  }
}

const describedCharsMax = 80;

/** What came, in words, for a message. */
export function describeValue(got: unknown): string {
  if (got === null) return 'null';
  switch (typeof got) {
    case 'string':
      return `the string ${shorten(JSON.stringify(got.slice(0, describedCharsMax + 1)))}`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return Object.is(got, -0) ? '-0' : String(got);
    case 'bigint':
      return `the bigint ${shorten(String(got))}`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    default:
      return describeObject(got);
  }
}

/** What is refused may throw when it is looked at: a proxy that was revoked, a getter. It is refused all the same. */
function describeObject(got: object): string {
  try {
    return Array.isArray(got) ? `an array of ${got.length}` : `an object (${constructorName(got)})`;
  } catch {
    return 'an object that cannot be looked at';
  }
}

function constructorName(got: object): string {
  const prototype: unknown = Object.getPrototypeOf(got);
  if (prototype === null) return 'no prototype';
  const owner: unknown = (prototype as { constructor?: unknown }).constructor;
  return typeof owner === 'function' && owner.name !== '' ? owner.name : 'unnamed class';
}

function shorten(text: string): string {
  return text.length <= describedCharsMax ? text : `${text.slice(0, describedCharsMax)}…`;
}
