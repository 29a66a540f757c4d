import { describe, expect, it } from 'vitest';
import { Permits } from '../../src/core/permits.js';
import { promisesSettle } from '../testing/manual-clock.js';

/** Acquires, and says by its name who was served. */
function acquire(permits: Permits, served: string[], ...names: readonly string[]): void {
  for (const name of names) void permits.acquire().then(() => served.push(name));
}

describe('permits', () => {
  it('are given at once while there are any', async () => {
    const served: string[] = [];
    acquire(new Permits(2), served, 'a', 'b', 'c');
    await promisesSettle();
    expect(served).toEqual(['a', 'b']);
  });

  it('go to those who wait, in the order in which they came', async () => {
    const permits = new Permits(1);
    const served: string[] = [];
    acquire(permits, served, 'a', 'b', 'c');
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      await promisesSettle();
      expect(served).toEqual(expected);
      permits.release();
    }
  });

  it('that nobody waits for are kept for the next', async () => {
    const permits = new Permits(1);
    await permits.acquire();
    permits.release();
    const served: string[] = [];
    acquire(permits, served, 'a', 'b');
    await promisesSettle();
    expect(served).toEqual(['a']);
  });

  it('that pass from one to the next are never more than there were', async () => {
    const permits = new Permits(2);
    let [held, heldMax] = [0, 0];
    const task = async (): Promise<void> => {
      await permits.acquire();
      heldMax = Math.max(heldMax, ++held);
      await promisesSettle();
      held--;
      permits.release();
    };
    await Promise.all(Array.from({ length: 9 }, task));
    expect([held, heldMax]).toEqual([0, 2]);
  });
});
