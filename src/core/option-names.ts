import { invalidInput } from './errors.js';
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
  for (const name of Object.keys(options)) {
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
