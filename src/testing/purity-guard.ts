/**
 * Notices app code that reads a clock or rolls dice: while such code runs, the clock and the randomness of JavaScript tell of
 * it. App code is synchronous, so nobody else runs meanwhile, and everything is put back behind it.
 */

/** Told what was used, such as `Date.now()`. */
export type Noticed = (what: string) => void;

const dates = new WeakMap<DateConstructor, DateConstructor>();
let noticed: Noticed = () => {};

/** Runs `run`; `onUse` is told of clocks and randomness that it uses. */
export function guarded<Result>(onUse: Noticed, run: () => Result): Result {
  const { Date: date } = globalThis;
  const { random } = Math;
  const before = noticed;
  noticed = onUse;
  globalThis.Date = guardedDate(date);
  Math.random = () => {
    noticed('Math.random()');
    return random();
  };
  try {
    return run();
  } finally {
    globalThis.Date = date;
    Math.random = random;
    noticed = before;
  }
}

/** One for each `Date` that there is: a test may have put a fake one there. */
function guardedDate(date: DateConstructor): DateConstructor {
  const known = dates.get(date);
  if (known !== undefined) return known;
  const now = (): number => {
    noticed('Date.now()');
    return date.now();
  };
  const guardedOne = new Proxy(date, {
    construct(target, given: unknown[], newTarget) {
      if (given.length === 0) noticed('new Date()');
      return Reflect.construct(target, given, newTarget) as object;
    },
    apply(target) {
      noticed('Date()');
      return target();
    },
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
  dates.set(date, guardedOne);
  // What is guarded already stays so.
  dates.set(guardedOne, guardedOne);
  return guardedOne;
}
