import { describe, expect, it } from 'vitest';
import { streamPages } from '../../src/event-store/stream-pages.js';
import { rejectionCode } from './log-fixture.js';

/** Reads pages of two of the numbers 1 to `last`, and remembers what it was asked. */
function pagesUpTo(last: number) {
  const asked: number[] = [];
  const readAfter = async (after: number) => {
    asked.push(after);
    return [after + 1, after + 2].filter((number) => number <= last);
  };
  return { asked, readAfter, positionOf: (number: number) => number };
}

describe('a stream of pages', () => {
  it('gives every item once, in order, from behind `from`', async () => {
    const pages = pagesUpTo(5);
    const items: number[] = [];
    for await (const item of streamPages({ ...pages, from: 1 })) items.push(item);
    expect(items).toEqual([2, 3, 4, 5]);
    expect(pages.asked).toEqual([1, 3, 5]);
  });

  it('reads a page only when it is asked for, and none after it was left', async () => {
    const pages = pagesUpTo(100);
    const stream = streamPages({ ...pages, from: 0 });
    expect(pages.asked).toEqual([]);
    for await (const item of stream) if (item === 3) break;
    expect(pages.asked).toEqual([0, 2]);
  });

  it('ends with `aborted` when its signal aborts, also between two items of a page', async () => {
    const abort = new AbortController();
    const stream = streamPages({ ...pagesUpTo(100), from: 0, signal: abort.signal });
    expect((await stream.next()).value).toBe(1);
    abort.abort();
    expect(await rejectionCode(stream.next())).toBe('aborted');
    expect((await stream.next()).done).toBe(true);
  });

  it('passes on the error of a read', async () => {
    const readAfter = () => Promise.reject(new Error('no disk'));
    const stream = streamPages({ readAfter, positionOf: Number, from: 0 });
    expect(await rejectionCode(stream.next())).toBe('Error: no disk');
  });
});
