import { describe, expect, it } from 'vitest';
import { Line } from '../../src/core/line.js';
import { promisesSettle } from '../testing/manual-clock.js';

describe('a line', () => {
  it('runs one task after the other, in the order in which they came', async () => {
    const line = new Line();
    const seen: string[] = [];
    const task = (name: string) => async () => {
      seen.push(`${name} begins`);
      await promisesSettle();
      seen.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all([line.run(task('a')), line.run(task('b'))])).toEqual(['a', 'b']);
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('goes on behind a task that fails', async () => {
    const line = new Line();
    const failed = line.run(() => Promise.reject(new RangeError('no')));
    const next = line.run(async () => 5);
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe(5);
  });

  it('is done when every task so far has ended, also one that failed', async () => {
    const line = new Line();
    let ended = 0;
    const task = async (): Promise<void> => {
      await promisesSettle();
      ended++;
    };
    void line.run(task);
    line.run(() => task().then(() => Promise.reject(new Error('no')))).catch(() => {});
    await line.done();
    expect(ended).toBe(2);
  });
});
