import { describe, expect, it } from 'vitest';
import { isThenable } from '../../src/core/thenable.js';
import { promisesSettle } from '../testing/manual-clock.js';

/** Like a promise, or only nearly. */
function withThen(then: unknown): object {
  return Object.fromEntries([['then', then]]);
}

describe('isThenable', () => {
  it('knows promises of any make, and nothing else', () => {
    expect([Promise.resolve(1), withThen(() => {})].map(isThenable)).toEqual([true, true]);
    const others = [undefined, null, 5, 'then', [], {}, withThen('later'), () => 1];
    expect(others.map(isThenable)).toEqual(others.map(() => false));
  });

  it('takes care of a promise that fails, so that it does not end the thread', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listen);
    isThenable(Promise.reject(new RangeError('nobody waits for this')));
    await promisesSettle();
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });
});
