/**
 * The first text, in the order of code points, that comes after every text with this prefix; undefined when there is
 * none.
 */
export function afterPrefix(prefix: string): string | undefined {
  const codePoints = [...prefix];
  while (codePoints.length > 0) {
    const last = codePoints.pop()?.codePointAt(0) ?? lastCodePoint;
    if (last !== lastCodePoint) return codePoints.join('') + String.fromCodePoint(nextCodePoint(last));
  }
  return undefined;
}

const lastCodePoint = 0x10ffff;

/** Surrogates are no code points of their own: no well-formed text has one. */
function nextCodePoint(codePoint: number): number {
  return codePoint === 0xd7ff ? 0xe000 : codePoint + 1;
}
