import { closest, distance } from 'fastest-levenshtein';

/** Nobody means a short name with a text as long as this, and comparing a megabyte would hold up the thread for seconds. */
const writtenCharsMax = 200;

/** The name of `names` that a person who wrote `written` most likely meant, when one is near enough to say so. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  if (names.length === 0 || written.length > writtenCharsMax) return undefined;
  const name = closest(written, names);
  return distance(written, name) <= Math.max(2, Math.floor(written.length / 2)) ? name : undefined;
}
