/** JSON text of strings, written by hand where nothing in them needs care: half the cost of a call into `JSON.stringify`. */

/** Printable ASCII without quotes and backslashes: it stands in JSON as it is, and each unit is one byte. */
export function isPlainText(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false;
  }
  return true;
}

/** `text` as JSON. */
export function quoted(text: string): string {
  return isPlainText(text) ? `"${text}"` : JSON.stringify(text);
}

/** `text` as JSON, or null. */
export function quotedOrNull(text: string | null): string {
  return text === null ? 'null' : quoted(text);
}

/** Names that are kept as JSON: the first ones that come, which are nearly always those that come again. */
const namesMax = 1_024;
const nameLengthMax = 64;
const names = new Map<string, string>();

/** A name as JSON: of a field, a command, a space. What comes with every call is written once. */
export function quotedName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const written = quoted(name);
  if (names.size < namesMax && name.length <= nameLengthMax) names.set(name, written);
  return written;
}
