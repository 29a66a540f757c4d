/** What the comments `// => …` in programs of the documentation become. Copied beside them; see `snippets.ts`. */

/** The places of the checks that have run. */
export const checked = new Set<string>();

/** @throws {Error} unless `actual` equals `expected`, in which `'…': true` stands for whatever else is in an object */
export function gives(actual: unknown, expected: unknown, place: string): void {
  checked.add(place);
  if (!same(actual, expected)) {
    throw new Error(`${place} says ${JSON.stringify(expected)}, but it is ${JSON.stringify(actual)}`);
  }
}

/** @throws {Error} unless `run` fails with this code, and this reason where one is given */
export async function fails(
  run: () => unknown,
  expected: { readonly code: string; readonly reason?: string },
  place: string,
): Promise<void> {
  checked.add(place);
  let failure: unknown;
  try {
    await run();
  } catch (error) {
    failure = error;
  }
  const { code, reason } = (failure ?? {}) as { code?: unknown; reason?: unknown };
  if (code === expected.code && (expected.reason === undefined || reason === expected.reason)) return;
  throw new Error(`${place} says that it throws ${JSON.stringify(expected)}, but: ${String(failure)}`);
}

function same(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return Object.is(actual, expected);
  if (typeof actual !== 'object' || actual === null) return false;
  if (Array.isArray(expected) !== Array.isArray(actual)) return false;
  const { '…': more, ...members } = expected as Record<string, unknown>;
  const others = actual as Record<string, unknown>;
  if (more !== true && definedNames(others) !== definedNames(members)) return false;
  return Object.entries(members).every(([name, value]) => same(others[name], value));
}

function definedNames(value: Readonly<Record<string, unknown>>): string {
  return Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .join();
}
