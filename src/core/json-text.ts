/**
 * The JSON text of a string or of null, as `JSON.stringify` writes it, at half its price where nothing has to be escaped:
 * for texts that every command puts together.
 */
export function jsonText(text: string | null): string {
  if (text === null) return 'null';
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit >= 0xd800) return JSON.stringify(text);
  }
  return `"${text}"`;
}
