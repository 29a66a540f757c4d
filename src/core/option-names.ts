import { invalidInput, RamaxError } from './errors.js';
import { nearestName } from './nearest-name.js';

/**
 * Refuses options that `of` does not have, with the nearest one that it has: a misspelt option would be ignored silently.
 *
 * @param field what has them, as the error names it
 * @throws {RamaxError} `invalid_input`
 */
export function checkOptionNames(
  options: object,
  known: readonly string[],
  of: string,
  field = 'options',
): void {
  for (const name of readNames(options, field)) {
    if (known.includes(name)) continue;
    const meant = nearestName(name, known);
    const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    throw invalidInput(
      `${field}.${name}`,
      `absent, as ${of} has no such option${hint}`,
      (options as Readonly<Record<string, unknown>>)[name],
    );
  }
}

/**
 * The names of options, each of which can be read: a getter or a proxy that throws is refused by its name, too.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function readNames(options: object, field: string): readonly string[] {
  let at = field;
  try {
    const names = Object.keys(options);
    for (const name of names) {
      at = `${field}.${name}`;
      void (options as Readonly<Record<string, unknown>>)[name];
    }
    return names;
  } catch (error) {
    const expected = 'a value that can be read';
    throw new RamaxError('invalid_input', `${at} must be ${expected}, but it throws when it is read`, {
      details: { field: at, expected },
      cause: error,
    });
  }
}
