import { RamaxError } from '../core/errors.js';

/** How to go over what is read page by page. */
export interface StreamPagesOptions<Item> {
  /** Reads the next page: items after this position, in order; none when there are no more. */
  readonly readAfter: (after: number) => Promise<readonly Item[]>;
  /** An item's position, which grows from item to item. */
  readonly positionOf: (item: Item) => number;
  /** Begin after this position. */
  readonly from: number;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One lazy stream out of bounded reads: holds one page at most, reads the next one only when it is asked for, and ends
 * with the first empty page.
 *
 * @throws {RamaxError} `aborted` when the signal aborts
 */
export async function* streamPages<Item>(
  options: StreamPagesOptions<Item>,
): AsyncGenerator<Item, void, void> {
  const { readAfter, positionOf, from, signal } = options;
  let after = from;
  for (;;) {
    throwIfAborted(signal);
    const page = await readAfter(after);
    if (page.length === 0) return;
    for (const item of page) {
      throwIfAborted(signal);
      after = positionOf(item);
      yield item;
    }
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RamaxError('aborted', 'the stream was aborted', { cause: signal.reason });
}
