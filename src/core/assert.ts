/**
 * Bugs are assertions. An assertion that fails is a defect in Ramax, never a bad input, so it carries no code
 * and nobody is expected to catch it. Assertions stay on in production: they are a comparison each.
 */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/**
 * Throws when `condition` is false. `message` says what must hold, not what went wrong.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(`Ramax invariant broken: ${message}`);
}

/** The end of an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`Ramax invariant broken: unreachable case ${JSON.stringify(value)}`);
}
