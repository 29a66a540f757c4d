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
  return { asked, readAfter, positionOf: (number: number) => number, open: (number: number) => number };
}

describe('a stream of pages', () => {
  it('gives every item once, in order, from behind `from`', async () => {
    const pages = pagesUpTo(5);
    const items: number[] = [];
    for await (const item of streamPages({ ...pages, from: 1 })) items.push(item);
    expect(items).toEqual([2, 3, 4, 5]);
    expect(pages.asked).toEqual([1, 3, 5, 5]);
  });

  it('reads nothing before it is asked, and no page more after it was left', async () => {
    const pages = pagesUpTo(100);
    const stream = streamPages({ ...pages, from: 0 });
    expect(pages.asked).toEqual([]);
    for await (const item of stream) if (item === 3) break;
    expect(pages.asked).toEqual([0, 2]);
  });

  it('reads one page ahead once a second item is asked for, and no more', async () => {
    const pages = pagesUpTo(100);
    const stream = streamPages({ ...pages, from: 0 });
    await stream.next();
    expect(pages.asked).toEqual([0]);
    await stream.next();
    expect(pages.asked).toEqual([0, 2]);
    await stream.next();
    expect(pages.asked).toEqual([0, 2]);
    await stream.return();
  });

  it('leaves nothing under way when it is left', async () => {
    let readAhead: (items: readonly number[]) => void = () => {};
    const first = Promise.resolve([1, 2]);
    const ahead = new Promise<readonly number[]>((resolve) => {
      readAhead = resolve;
    });
    const stream = streamPages({
      readAfter: (after) => (after === 0 ? first : ahead),
      positionOf: Number,
      open: Number,
      from: 0,
    });
    await stream.next();
    await stream.next();
    let hasReturned = false;
    const returned = stream.return().then(() => {
      hasReturned = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasReturned).toBe(false);
    readAhead([3]);
    await returned;
  });

  it('gives what came while it was at its last page', async () => {
    let last = 2;
    const readAfter = async (after: number) => [after + 1, after + 2].filter((number) => number <= last);
    const items: number[] = [];
    for await (const item of streamPages({ readAfter, positionOf: Number, open: Number, from: 0 })) {
      items.push(item);
      if (item === 2) {
        await new Promise((resolve) => setImmediate(resolve));
        last = 3;
      }
    }
    expect(items).toEqual([1, 2, 3]);
  });

  it('passes on the error of a page that was read ahead where the page would begin', async () => {
    const readAfter = async (after: number) => {
      if (after > 0) throw new Error('no disk');
      return [1, 2, 3];
    };
    const items: number[] = [];
    const stream = streamPages({ readAfter, positionOf: Number, open: Number, from: 0 });
    const failed = (async () => {
      for await (const item of stream) {
        items.push(item);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    expect(await rejectionCode(failed)).toBe('Error: no disk');
    expect(items).toEqual([1, 2, 3]);
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
    const stream = streamPages({ readAfter, positionOf: Number, open: Number, from: 0 });
    expect(await rejectionCode(stream.next())).toBe('Error: no disk');
  });
});
