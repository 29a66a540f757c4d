/**
 * Whether app code has returned a promise (or anything like one) where it must answer at once. If so, it is taken care of:
 * a promise that nobody waits for would end the thread when it fails.
 */
export function isThenable(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return false;
  if (typeof (answer as { then?: unknown }).then !== 'function') return false;
  Promise.resolve(answer).catch(() => {});
  return true;
}
