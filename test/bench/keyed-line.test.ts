import { describe, expect, it } from 'vitest';
import { KeyedLine } from '../../bench/peers/keyed-line.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a line for each key', () => {
  it('runs calls of one key one after the other, and those of another beside them', async () => {
    const line = new KeyedLine();
    const running = new Map<string, number>();
    let togetherMax = 0;
    const order: string[] = [];
    const call = (key: string, name: string) =>
      line.run(key, async () => {
        running.set(key, (running.get(key) ?? 0) + 1);
        expect(running.get(key)).toBe(1);
        togetherMax = Math.max(
          togetherMax,
          [...running.values()].reduce((sum, count) => sum + count, 0),
        );
        await turn();
        order.push(name);
        running.set(key, 0);
      });
    await Promise.all([call('a', 'a1'), call('a', 'a2'), call('b', 'b1'), call('a', 'a3')]);
    expect(order.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(togetherMax).toBe(2);
  });

  it('goes on behind a call that fails, whose caller is told', async () => {
    const line = new KeyedLine();
    const failed = line.run('a', () => Promise.reject(new Error('no')));
    const next = line.run('a', async () => 'yes');
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});
